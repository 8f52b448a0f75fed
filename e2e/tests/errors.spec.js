// Addresses that lead nowhere or ask for what there is not: a page that says what to do.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "../console.js";

const REFUSED = {
  "/nowhere": [404, "There is nothing at this address"],
  "/hosts/999999": [404, "There is no such host"],
  "/hosts/abc": [400, "abc is no number that it can hold"],
  "/incidents/99999999999999999999": [400, "is no number that it can hold"],
  "/tags/toolongtag": [404, "There is no such tag"],
  "/tags/%00": [400, "NUL character"],
  "/?hours=9999999&group=nope": [400, "hours is one of 6, 24, 168"],
  "/map?pool=%3Cscript%3E": [400, "pool is one of paged or nonpaged"],
  "/hosts?sort=banana": [400, "The parameter sort is one of: name,"],
  "/incidents?page=99999999999999999999": [400, "page is a number"],
};

for (const colorScheme of ["light", "dark"]) {
  test(`what is refused says what to do, ${colorScheme}`, async ({ page, complaints }) => {
    test.slow();
    await page.emulateMedia({ colorScheme });
    for (const [address, [status, words]] of Object.entries(REFUSED)) {
      const answer = await page.goto(address);
      expect(answer.status(), address).toBe(status);
      await expect(page.locator("main"), address).toContainText(words);
      await expect(page.locator("main")).not.toContainText(/unknown variant|Cannot parse|i32|i64/);
      await expect(page.getByRole("link", { name: "go to the fleet" })).toBeVisible();
    }
    for (const width of [1280, 768, 390]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect((await new AxeBuilder({ page }).analyze()).violations, `${width} px`).toEqual([]);
    }
    await page.getByRole("link", { name: "Open this page without its parameters" }).click();
    await expect(page).toHaveURL(/\/incidents$/);
    // The browser reports each refusal as a failed request.
    complaints.length = 0;
  });
}

test("parameters that nobody knows are passed over", async ({ page }) => {
  await page.goto("/compare?host=nobody");
  await expect(page.locator("main")).toContainText("There is no host nobody.");
  await page.goto("/compare?host=1&host=2&by=banana&page=-3");
  await expect(page.locator("table.compare tbody tr").first()).toBeVisible();
  await page.goto("/hosts?columns=zzz&utm_source=mail");
  await expect(page.locator("table.hosts tbody tr").first()).toBeVisible();
  await page.goto("/events?id=notanumber");
  await page.getByRole("link", { name: "Show all events" }).click();
  await expect(page).toHaveURL(/\/events$/);
});

test("paper gets the light design without what is pressed", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await page.addInitScript(() => localStorage.setItem("theme", "dark"));
  for (const address of ["/", "/hosts", "/incidents/1"]) {
    await page.goto(address);
    const seen = await page.evaluate(() => [...document.querySelectorAll(".bar, button, input:not([type=hidden]), select, textarea")].filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 80)));
    expect(seen, address).toEqual([]);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe("rgb(255, 255, 255)");
  }
});
