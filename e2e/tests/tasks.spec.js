// What an administrator comes for, by keyboard alone and by thumb, at three widths.
import { expect, openHost, test } from "../console.js";

const VM = "2: kd> !vm\n  NonPaged Pool Usage: 52461   (  209844 Kb)\n  NonPaged Pool Max:   54278   (  217112 Kb)\n";

// Smaller, and a thumb meets what stands beside it: the least that WCAG 2.2 asks for.
const LEAST_PX = 24;

/** Two ways to use what is on a page. */
const WAYS = {
  "keyboard alone": async (target) => {
    await target.focus();
    await expect(target).toBeFocused();
    const isStop = await target.evaluate((one) => one.tabIndex >= 0);
    expect(isStop, "the Tab key reaches it").toBe(true);
    await target.press("Enter");
  },
  "a thumb": async (target) => {
    await target.scrollIntoViewIfNeeded();
    // Links in a sentence are as high as their line.
    if (await target.evaluate((one) => one.matches("button, input, select, summary, nav a"))) {
      const { width, height } = await target.boundingBox();
      expect(Math.min(width, height), await target.textContent()).toBeGreaterThanOrEqual(LEAST_PX);
    }
    await target.tap();
  },
};

const TASKS = {
  "what is dying, and who does it": async (page, use) => {
    await page.goto("/");
    await use(page.locator("table.causes a[data-row]").first());
    await expect(page).toHaveURL(/\/incidents\/\d+$/);
    await use(page.locator("ol.evidence a").first());
    await expect(page).not.toHaveURL(/\/incidents\//);
  },
  "what became of a tag": async (page, use) => {
    await openHost(page, "FS-02");
    await use(page.getByRole("navigation", { name: "Order of the tags" }).getByRole("link", { name: "by change" }));
    await expect(page).toHaveURL(/tags=change/);
    await use(page.locator("table.tags tbody").getByRole("link", { name: /^Chart of/ }).first());
    await expect(page.locator("#drawn canvas")).toHaveCount(1);
    await use(page.locator("#drawn").getByRole("button", { name: "Close" }));
    await expect(page.locator("#drawn")).toBeHidden();
  },
  "what is different": async (page, use) => {
    await openHost(page, "FS-02");
    await use(page.locator(".ways").getByRole("link", { name: "an hour ago" }));
    await expect(page).toHaveURL(/\/compare\?host=\d+&host=\d+&at=1h$/);
    await use(page.getByRole("navigation", { name: "What is compared" }).getByRole("link", { name: "Limits" }));
    await expect(page).toHaveURL(/by=limits/);
  },
  "what a dead machine says": async (page, use) => {
    await page.goto("/evidence");
    await page.getByLabel("Or paste text").fill(VM);
    await use(page.getByRole("button", { name: "Diagnose" }));
    await expect(page).toHaveURL(/\/evidence\/[0-9a-f-]{36}$/);
  },
  "be quiet about a tag": async (page, use) => {
    await page.goto("/alerts");
    await use(page.locator("section[aria-labelledby=silences] summary"));
    await page.getByLabel("Tag", { exact: true }).fill("Zzzz");
    await page.locator("#silence-until").fill(new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 16));
    await page.getByLabel("Reason", { exact: true }).fill("tasks");
    await use(page.getByRole("button", { name: "Silence", exact: true }));
    const row = page.locator("section[aria-labelledby=silences] tr", { hasText: "tasks" });
    await use(row.getByRole("button", { name: "End" }));
    await expect(row).toHaveCount(0);
  },
  "which hosts are silent": async (page, use) => {
    await page.goto("/hosts");
    await page.getByLabel("State").selectOption("reporting");
    await use(page.getByRole("button", { name: "Filter", exact: true }));
    await expect(page).toHaveURL(/state=reporting/);
    await use(page.locator("table.hosts a[data-row]").first());
    await expect(page).toHaveURL(/\/hosts\/\d+$/);
  },
  "what retention takes": async (page, use) => {
    await page.goto("/settings");
    await use(page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Retention" }));
    await use(page.getByRole("button", { name: "Show what it takes" }));
    await expect(page.getByRole("status")).toContainText("not saved yet");
  },
  "how agents come": async (page, use) => {
    await page.goto("/deploy");
    await use(page.locator("main summary").first());
    await expect(page.locator("details[open] ol.steps")).toBeVisible();
  },
};

for (const width of [390, 768, 1280]) {
  for (const [way, use] of Object.entries(WAYS)) {
    test.describe(`with ${way}, at ${width} px`, () => {
      test.use({ viewport: { width, height: 844 }, hasTouch: way === "a thumb" });

      test("every task is done", async ({ page }) => {
        test.slow();
        for (const [task, run] of Object.entries(TASKS)) await test.step(task, () => run(page, use));
      });
    });
  }
}
