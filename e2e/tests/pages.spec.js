// Every page in both themes at three widths: no barrier, not wider than the screen, and a picture of it.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

const KEPT = process.env.SCREENSHOTS;

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
  fleet: (page) => page.goto("/"),
  map: (page) => page.goto("/map"),
  incidents: (page) => page.goto("/incidents"),
  incident: async (page) => {
    await page.goto("/incidents?q=mybadapp");
    await page.locator("table.causes a[data-row]").first().click();
    await expect(page.locator(".chart.lines canvas")).toHaveCount(1);
  },
  hosts: (page) => page.goto("/hosts"),
  host: host("?draw=nonpaged:Thre"),
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
  compare: async (page) => {
    await openHost(page, "FS-02");
    await page.getByRole("link", { name: "with itself 24 h ago" }).click();
  },
  search: (page) => page.goto("/search?q=th"),
  evidence: (page) => page.goto("/evidence"),
  alerts: (page) => page.goto("/alerts"),
  rule: first("/alerts"),
  account: (page) => page.goto("/account"),
  settings: (page) => page.goto("/settings"),
  people: (page) => page.goto("/settings/people"),
  tokens: (page) => page.goto("/settings/tokens"),
  groups: (page) => page.goto("/settings/groups"),
  "sign-in": (page) => page.goto("/settings/sign-in"),
  mail: (page) => page.goto("/settings/mail"),
  retention: (page) => page.goto("/settings/retention"),
  audit: (page) => page.goto("/settings/audit"),
  refusals: (page) => page.goto("/settings/refusals"),
  server: (page) => page.goto("/settings/server"),
};

// Small enough to be kept beside the code: Chromium writes WebP, Playwright by itself does not.
async function keep(page, name) {
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
      for (const width of [1280, 768, 390]) {
        await page.setViewportSize({ width, height: 900 });
        // Charts follow their page a moment later.
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
        await expect.poll(wide, `${width} px`).toBeLessThanOrEqual(width);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
        expect(told, `${width} px`).toEqual([]);
        await page.screenshot({ path: picture(`page-${name}-${colorScheme}-${width}`) });
        if (KEPT && width === 1280) await keep(page, `${name}-${colorScheme}`);
      }
    });
  }
}
