import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

for (const colorScheme of ["light", "dark"]) {
  test(`a host is set beside a healthy one, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto("/hosts");
    const boxes = page.getByRole("checkbox", { name: /^Compare / });
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await page.screenshot({ path: picture(`hosts-selected-${colorScheme}`) });
    await page.getByRole("button", { name: "Compare selected" }).click();
    await expect(page).toHaveURL(/\/compare\?host=\d+&host=\d+/);
    await page.screenshot({ path: picture(`compare-tags-${colorScheme}`), fullPage: true });
    for (const by of ["Processes", "Drivers", "Versions", "Limits"]) {
      const chosen = page.getByRole("navigation", { name: "What is compared" }).getByRole("link", { name: by });
      await chosen.click();
      await expect(chosen).toHaveAttribute("aria-current", "true");
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      await page.screenshot({ path: picture(`compare-${by.toLowerCase()}-${colorScheme}`), fullPage: true });
    }
  });
}

test("the host page leads to the host as it was, and the rows are exported", async ({ page }) => {
  await openHost(page, "FS-02");
  await page.goto(`/compare?host=${page.url().match(/\d+$/)[0]}&host=FS-02&at=3h`);
  await expect(page.getByRole("columnheader", { name: /as it was/ })).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  expect((await download).suggestedFilename()).toBe("compare.csv");
  await page.screenshot({ path: picture("compare-then"), fullPage: true });
});
