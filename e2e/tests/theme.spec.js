import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

const brightness = (page) =>
  page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.documentElement).backgroundColor.match(/[\d.]+/g).map(Number);
    return (red + green + blue) / 3;
  });

test.describe("where the system is dark", () => {
  test.use({ colorScheme: "dark" });

  test("the console is dark", async ({ page }) => {
    await page.goto("/");
    expect(await brightness(page)).toBeLessThan(60);
    await page.screenshot({ path: picture("fleet-dark"), fullPage: true });
    await openHost(page, "FS-02");
    await expect(page.locator(".chart canvas")).toHaveCount(2);
    await page.screenshot({ path: picture("host-dark"), fullPage: true });
  });
});

test("the theme is chosen by its button and stays", async ({ page }) => {
  await page.goto("/");
  expect(await brightness(page)).toBeGreaterThan(200);
  const button = page.getByRole("button", { name: /^Theme:/ });
  await button.click();
  await expect(button).toHaveAccessibleName("Theme: Light");
  await button.click();
  await expect(button).toHaveAccessibleName("Theme: Dark");
  expect(await brightness(page)).toBeLessThan(60);
  await page.reload();
  await expect(button).toHaveAccessibleName("Theme: Dark");
  expect(await brightness(page)).toBeLessThan(60);
});
