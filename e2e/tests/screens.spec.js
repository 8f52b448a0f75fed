import { expect, openHost, test } from "../console.js";

const PAGES = ["/", "/incidents", "/hosts", "/tags", "/applications", "/drivers", "/events", "/alerts", "/evidence", "/deploy", "/settings"];

for (const width of [390, 768, 1280]) {
  test.describe(`at ${width} px`, () => {
    test.use({ viewport: { width, height: 844 } });

    test("no page is wider than the screen", async ({ page }) => {
      for (const path of PAGES) {
        await page.goto(path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide, path).toBeLessThanOrEqual(width);
      }
    });
  });
}

for (const width of [390, 768]) {
  test.describe(`with a thumb, at ${width} px`, () => {
    test.use({ viewport: { width, height: 844 }, hasTouch: true });

    test("the bar is a line, and its menus lead everywhere", async ({ page }) => {
      await page.goto("/");
      expect((await page.locator(".bar").boundingBox()).height).toBe(56);
      await expect(page.getByRole("link", { name: "Hosts", exact: true })).toBeHidden();
      await page.getByRole("button", { name: "Sections" }).tap();
      await page.getByRole("link", { name: "Hosts", exact: true }).tap();
      await expect(page).toHaveURL(/\/hosts$/);
      await page.getByRole("button", { name: "Your account" }).tap();
      await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(page.getByRole("button", { name: "Sign out" })).toBeHidden();
    });
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test("hosts are cards that name what they tell", async ({ page }) => {
    await page.goto("/hosts");
    const card = page.locator("table.hosts tbody tr").first();
    const box = await card.boundingBox();
    expect(box.width).toBeLessThanOrEqual(390);
    expect(box.height).toBeGreaterThan(60);
    const label = await card.locator("td[data-label=Nonpaged]").evaluate((cell) => getComputedStyle(cell, "::before").content);
    expect(label).toBe('"Nonpaged"');
    // Each pool has a line: what it holds, its share, its growth.
    for (const pool of ["Nonpaged", "Paged"]) {
      const line = await card.locator(`td[data-label=${pool}]`).evaluate((cell) => [cell, cell.nextElementSibling, cell.nextElementSibling.nextElementSibling].map((one) => Math.round(one.getBoundingClientRect().top)));
      expect(Math.max(...line) - Math.min(...line), pool).toBeLessThanOrEqual(4);
    }
  });

  test("what is compared stands beside each other, whole", async ({ page }) => {
    await page.goto("/compare?host=fs-02&host=app-01");
    const cells = page.locator("table.compare tbody tr").first().locator("td");
    const [left, right, difference] = await Promise.all([0, 1, 2].map((at) => cells.nth(at).boundingBox()));
    expect(left.y).toBe(right.y);
    expect(left.x + left.width).toBeLessThanOrEqual(right.x);
    expect(right.x + right.width).toBeLessThanOrEqual(390);
    expect(difference.y).toBeGreaterThan(left.y);
    expect(difference.width).toBeGreaterThan(300);
  });
});

test("a page whose row is selected waits, and says why", async ({ page }) => {
  await page.goto("/hosts");
  const box = page.locator("table.hosts tbody input[type=checkbox]").first();
  await box.check();
  const mark = page.locator("#freshness");
  await expect(mark).toHaveText("paused", { timeout: 15_000 });
  await expect(mark).toHaveAttribute("title", /selected/);
  await expect(box).toBeChecked();
  await box.uncheck();
  await page.locator("h1").click();
  await expect(mark).toHaveText(/^live/, { timeout: 15_000 });
});

test("the age of the data goes on by itself", async ({ page }) => {
  await page.route("**/*", (route) => (route.request().headers()["hx-request"] ? route.abort() : route.continue()));
  await page.goto("/tags");
  const mark = page.locator("#freshness");
  const seconds = async () => Number((await mark.textContent()).match(/(\d+) s/)[1]);
  const begin = await seconds();
  await expect.poll(seconds, { timeout: 5_000 }).toBeGreaterThan(begin);
});

test("a zoom is part of the address", async ({ page }) => {
  await openHost(page, "FS-02");
  const over = page.locator('.chart[data-pool="nonpaged"] .u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/[?&]zoom=\d+-\d+/);
  await page.reload();
  await expect(page.getByRole("button", { name: "Show all" })).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(page).not.toHaveURL(/zoom=/);
});

test("hosts come by the time that they have left, and the fleet says who is first", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("h1")).toContainText(/(is|are) out of pool|is full first, in|No host is short/);
  await page.goto("/hosts");
  await expect(page.locator("table.hosts th[aria-sort=ascending]")).toHaveText("Left");
  await expect(page.locator("table.hosts tbody tr").first().locator("td[data-label=Left]")).not.toHaveText("–");
});
