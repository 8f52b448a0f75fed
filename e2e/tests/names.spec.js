import { expect, test } from "../console.js";
import { demo } from "../demo.js";

const LONG = "x".repeat(1000);

// Names as no honest host has them, put into pages as hosts' names are.
test("a page is as wide as its window, however long the names on it", async ({ page }) => {
  for (const width of [390, 768, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of ["/hosts", "/applications", "/drivers", "/incidents", "/events"]) {
      await page.goto(path);
      await page.evaluate((name) => {
        for (const link of document.querySelectorAll("tbody th a, tbody td a, td.process > span:first-child")) link.textContent = name;
        // The longest that figures become.
        for (const figure of document.querySelectorAll("table.hosts td.num .num, table.hosts td.process .num")) figure.textContent = "16,777,216";
      }, LONG);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `${path} at ${width} px`).toBeLessThanOrEqual(width);
      if (width < 1280) continue;
      const last = await page.locator("main thead th:visible").last().boundingBox();
      expect(Math.round(last.x + last.width), `the last column of ${path}`).toBeLessThanOrEqual(width);
    }
  }
});

test("what nobody sees in an address is shown in the page", async ({ page, baseURL }) => {
  await page.goto(`${baseURL}/search?q=${encodeURIComponent("evil\u202Eexe.fdp")}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("⟨U+202E⟩");
  expect(demo().console).toBe(baseURL);
});
