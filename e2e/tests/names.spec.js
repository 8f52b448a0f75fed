import { expect, test } from "../console.js";
import { demo } from "../demo.js";

const LONG = "x".repeat(1000);

// Names as no honest host has them, put into pages as hosts' names are.
test("a long name hides no column, and one that turns its surroundings is shown", async ({ page }) => {
  for (const width of [390, 768, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of ["/hosts", "/applications", "/drivers", "/incidents", "/events"]) {
      await page.goto(path);
      await page.evaluate((name) => {
        for (const link of document.querySelectorAll("tbody th a, tbody td a")) link.textContent = name;
      }, LONG);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `${path} at ${width} px`).toBeLessThanOrEqual(width);
      // Hosts has the most columns: with every link that long it scrolls within its region.
      if (width < 1280 || path === "/hosts") continue;
      const heads = await page.evaluate(() =>
        [...document.querySelectorAll("thead th")]
          .filter((head) => head.offsetParent !== null && head.textContent.trim())
          .map((head) => head.getBoundingClientRect().right),
      );
      expect(Math.max(...heads), `the last column of ${path}`).toBeLessThanOrEqual(width + 1);
    }
  }
});

test("what nobody sees in an address is shown in the page", async ({ page, baseURL }) => {
  await page.goto(`${baseURL}/search?q=${encodeURIComponent("evil\u202Eexe.fdp")}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("⟨U+202E⟩");
  expect(demo().console).toBe(baseURL);
});
