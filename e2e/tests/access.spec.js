import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

async function check(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  expect(serious).toEqual([]);
}

const pages = {
  login: async (page) => {
    await page.context().clearCookies();
    await page.goto("/login");
  },
  fleet: (page) => page.goto("/"),
  hosts: (page) => page.goto("/hosts"),
  host: (page) => openHost(page, "FS-02"),
  incidents: (page) => page.goto("/incidents"),
  // FS-02's pool is nearly full from the beginning; it is found within a minute.
  incident: (page) =>
    expect(async () => {
      await page.goto("/incidents");
      await page.locator("table.causes th a").first().click({ timeout: 2_000 });
    }).toPass(),
  tags: (page) => page.goto("/tags"),
  tag: (page) => page.goto("/tags/Thre"),
  "unknown tag": (page) => page.goto("/tags/Qqqq"),
  applications: (page) => page.goto("/applications"),
  application: (page) => page.goto("/applications/mybadapp.exe"),
  drivers: (page) => page.goto("/drivers"),
  driver: (page) => page.goto("/drivers/foo.sys"),
  search: (page) => page.goto("/search?q=th"),
  events: (page) => page.goto("/events"),
  evidence: (page) => page.goto("/evidence"),
};

for (const scheme of ["light", "dark"]) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme });
    for (const [name, open] of Object.entries(pages)) {
      test(`${name} is usable by everybody`, async ({ page }) => {
        await open(page);
        await check(page);
        await page.screenshot({ path: picture(`${name}-${scheme}-window`) });
      });
    }
  });
}
