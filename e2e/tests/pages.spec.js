// Every page in both themes at three widths: no barrier, not wider than the screen, and a picture of it.
// With SCREENSHOTS, the pictures alone, into that folder.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

const KEPT = process.env.SCREENSHOTS;

// What a debugger prints of a dead machine.
const TEXT = `2: kd> !vm
  NonPaged Pool Usage: 52461   (  209844 Kb)
  NonPaged Pool Max:   54278   (  217112 Kb)
2: kd> !poolused 2
   Sorting by NonPaged Pool Consumed
            NonPaged            Paged
Tag    Allocs     Used    Allocs     Used
Thre   120145 76892800         0        0
File   187113 29946176         0        0
`;

const host = (section) => async (page) => {
  await openHost(page, "FS-02");
  await page.goto(page.url().replace(/[?#].*/, "") + section);
};
const first = (list) => async (page) => {
  await page.goto(list);
  await page.locator("main tbody a[data-row]").first().click();
  await page.waitForLoadState();
};

const PAGES = {
  fleet: async (page) => {
    // Until the planted event has come and was judged.
    await expect(async () => {
      await page.goto("/");
      await expect(page.locator("table.causes")).toContainText("mybadapp.exe", { timeout: 1000 });
    }).toPass({ timeout: 180_000, intervals: [2000] });
  },
  map: (page) => page.goto("/map"),
  incidents: (page) => page.goto("/incidents"),
  incident: async (page) => {
    await page.goto("/incidents?q=mybadapp");
    await page.locator("table.causes a[data-row]").first().click();
    await expect(page.locator(".chart.lines canvas")).toHaveCount(1);
  },
  hosts: (page) => page.goto("/hosts"),
  host: async (page) => {
    await host("?draw=nonpaged:Thre")(page);
    await expect(page.locator("#drawn canvas")).toHaveCount(1);
  },
  "host-tags": host("/tags"),
  "host-processes": host("/processes"),
  "host-types": host("/types"),
  "host-drivers": host("/drivers"),
  "host-timeline": host("/timeline"),
  waiting: (page) => page.goto("/hosts/waiting"),
  "approval-rules": (page) => page.goto("/hosts/rules"),
  deploy: (page) => page.goto("/deploy"),
  tags: (page) => page.goto("/tags"),
  tag: (page) => page.goto("/tags/Thre"),
  applications: (page) => page.goto("/applications"),
  application: (page) => page.goto("/applications/mybadapp.exe"),
  drivers: (page) => page.goto("/drivers"),
  driver: (page) => page.goto("/drivers/foo.sys"),
  events: (page) => page.goto("/events"),
  compare: (page) => page.goto("/compare?host=fs-02&host=app-01"),
  "compare-then": async (page) => {
    await openHost(page, "FS-02");
    await page.getByRole("link", { name: "an hour ago" }).click();
  },
  search: (page) => page.goto("/search?q=th"),
  palette: async (page) => {
    await page.goto("/events");
    await page.keyboard.press("/");
    await expect(page.getByRole("option").first()).toBeVisible();
  },
  keys: async (page) => {
    await page.goto("/events");
    await page.keyboard.press("?");
  },
  "view-menu": async (page) => {
    await page.goto("/hosts");
    await page.locator("details.menu summary").click();
  },
  evidence: (page) => page.goto("/evidence"),
  "evidence-diagnosis": async (page) => {
    await page.goto("/evidence");
    await page.getByLabel("Or paste text").fill(TEXT);
    await page.getByRole("button", { name: "Diagnose" }).click();
    await expect(page).toHaveURL(/\/evidence\/[0-9a-f-]{36}$/);
  },
  login: (page) => page.goto("/login"),
  welcome: async (page) => {
    await page.goto("/settings/people");
    await page.getByLabel("Name", { exact: true }).fill("Ines");
    await page.getByLabel("E-mail address").fill(`ines${Date.now()}@example.com`);
    await page.getByRole("button", { name: "Add" }).click();
    const link = new URL(await page.locator(".secret code").innerText());
    await page.goto(link.pathname + link.search);
  },
  alerts: (page) => page.goto("/alerts"),
  rule: first("/alerts"),
  account: (page) => page.goto("/account"),
  "second-factor": (page) => page.goto("/account/second-factor"),
  settings: (page) => page.goto("/settings"),
  people: (page) => page.goto("/settings/people"),
  person: first("/settings/people"),
  tokens: (page) => page.goto("/settings/tokens"),
  groups: (page) => page.goto("/settings/groups"),
  group: async (page) => {
    await page.goto("/settings/groups");
    await page.getByLabel("Name", { exact: true }).fill(`File servers ${Date.now()}`);
    await page.getByLabel("Host name").fill("FS-*");
    await page.getByRole("button", { name: "Make the group" }).click();
    await expect(page).toHaveURL(/\/settings\/groups\/\d+$/);
  },
  "sign-in": (page) => page.goto("/settings/sign-in"),
  mail: (page) => page.goto("/settings/mail"),
  retention: (page) => page.goto("/settings/retention"),
  audit: (page) => page.goto("/settings/audit"),
  refusals: (page) => page.goto("/settings/refusals"),
  server: (page) => page.goto("/settings/server"),
};

// Small enough to be kept beside the code: Chromium writes WebP, Playwright by itself does not.
async function keep(page, name) {
  await page.setViewportSize({ width: 1280, height: 900 });
  // Charts follow their page a moment later.
  await page.waitForTimeout(500);
  const client = await page.context().newCDPSession(page);
  const { data } = await client.send("Page.captureScreenshot", { format: "webp", quality: 60 });
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(path.join(KEPT, `${name}.webp`), Buffer.from(data, "base64"));
  await client.detach();
}

for (const colorScheme of ["light", "dark"]) {
  for (const [name, open] of Object.entries(PAGES)) {
    test(`${name} has no barrier at any width, ${colorScheme}`, async ({ page }) => {
      test.slow();
      await page.emulateMedia({ colorScheme });
      await open(page);
      if (KEPT) return await keep(page, `${name}-${colorScheme}`);
      for (const width of [1280, 768, 390]) {
        await page.setViewportSize({ width, height: 900 });
        // Charts follow their page a moment later.
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
        await expect.poll(wide, `${width} px`).toBeLessThanOrEqual(width);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
        expect(told, `${width} px`).toEqual([]);
        await page.screenshot({ path: picture(`page-${name}-${colorScheme}-${width}`) });
      }
    });
  }
}
