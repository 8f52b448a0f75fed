import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "../console.js";

const menu = (page) => page.locator("details.menu");

/** Opens the menu of a list's view, by the keyboard. */
async function openMenu(page) {
  await menu(page).locator("summary").press("Enter");
  await expect(menu(page).locator(".menu-body")).toBeVisible();
}

for (const [list, filter] of [["hosts", "?state=silent&sort=name&order=asc"], ["incidents", "?show=all"], ["events", "?id=2019"], ["drivers", "?show=changed"]]) {
  test(`a view of ${list} is kept by a name, opened by it, and forgotten`, async ({ page }) => {
    const name = `my ${list}`;
    await page.goto(`/${list}${filter}`);
    await openMenu(page);
    await page.getByLabel("Name of this view").fill(name);
    await page.getByRole("button", { name: "Save", exact: true }).press("Enter");
    await expect(menu(page).locator("summary")).toHaveText(`View: ${name}`);
    await page.goto(`/${list}`);
    await openMenu(page);
    await menu(page).getByRole("link", { name, exact: true }).press("Enter");
    await expect(page).toHaveURL(new RegExp(`/${list}\\${filter}$`));
    await openMenu(page);
    await page.getByRole("button", { name: `Forget the view ${name}` }).press("Enter");
    await expect(menu(page).locator("summary")).toHaveText("View");
  });
}

test("columns are chosen, and stay with filter and order", async ({ page }) => {
  await page.goto("/hosts");
  await openMenu(page);
  const boxes = menu(page).locator("fieldset input");
  for (const box of await boxes.all()) if (!["left", "os"].includes(await box.getAttribute("value"))) await box.uncheck();
  await page.getByRole("button", { name: "Apply" }).click();
  const heads = page.locator("table.hosts thead th");
  await expect(heads).toHaveText(["Host", "Windows", "Left"]);
  await heads.first().getByRole("link").click();
  await expect(heads).toHaveText(["Host", "Windows", "Left"]);
  await page.getByRole("searchbox", { name: "Filter by text" }).fill("fs");
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await expect(heads).toHaveText(["Host", "Windows", "Left"]);
  await openMenu(page);
  await menu(page).getByRole("link", { name: "The usual ones" }).click();
  expect(await heads.count()).toBeGreaterThan(6);
  await openMenu(page);
  await page.keyboard.press("Escape");
  await expect(menu(page).locator(".menu-body")).toBeHidden();
  await expect(menu(page).locator("summary")).toBeFocused();
});

test("what the palette keeps of a list is the view that its menu knows", async ({ page }) => {
  const input = page.getByRole("combobox", { name: /^Search/ });
  await page.goto("/hosts?q=sql&group=&state=&driver=&page=1&utm_source=mail");
  await page.keyboard.press("/");
  await input.fill("databases");
  const kept = page.waitForResponse((response) => response.url().endsWith("/views.json") && response.request().method() === "GET");
  await page.locator(".palette").getByRole("option").filter({ hasText: "Keep this view as" }).click();
  await kept;
  await page.goto("/hosts?q=sql");
  await expect(menu(page).locator("summary")).toHaveText("View: databases");
  await openMenu(page);
  await page.getByRole("button", { name: "Forget the view databases" }).press("Enter");
  await expect(menu(page).locator("summary")).toHaveText("View");
});

for (const width of [390, 768, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the menu with a view and chosen columns is within the screen and has no barrier, ${width} px, ${colorScheme}`, async ({ page }) => {
      const name = `${width} ${colorScheme}, ${"long ".repeat(12)}`.trim();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      for (const list of ["/hosts?columns=left.os.group", "/drivers", "/events"]) {
        await page.goto(list);
        await openMenu(page);
        await page.getByLabel("Name of this view").fill(name);
        await page.getByRole("button", { name: "Save", exact: true }).press("Enter");
        await expect(menu(page).locator("summary")).toHaveText(`View: ${name}`);
        await openMenu(page);
        const box = await menu(page).locator(".menu-body").boundingBox();
        expect(box.x, list).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width, list).toBeLessThanOrEqual(width);
        expect((await new AxeBuilder({ page }).analyze()).violations, list).toEqual([]);
        await page.getByRole("button", { name: `Forget the view ${name}` }).press("Enter");
        await expect(menu(page).locator("summary")).toHaveText("View");
      }
    });
  }
}

test("the palette keeps any page as a view, finds it and forgets it", async ({ page }) => {
  const input = page.getByRole("combobox", { name: /^Search/ });
  const options = page.locator(".palette").getByRole("option");
  await page.goto("/tags?q=Thre");
  await page.keyboard.press("/");
  await input.fill("threads, mostly");
  const kept = page.waitForResponse((response) => response.url().endsWith("/views.json") && response.request().method() === "GET");
  await options.filter({ hasText: "Keep this view as" }).click();
  await kept;
  await page.goto("/");
  await page.keyboard.press("/");
  await input.fill("threads, m");
  // Before that, Enter searches for the text.
  await expect(input).toHaveAttribute("data-shown", "threads, m");
  await expect(options.first()).toContainText("threads, mostly");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/tags\?q=Thre$/);
  await page.keyboard.press("/");
  await input.fill("threads, mostly");
  await expect(options.first()).toContainText("/tags?q=Thre");
  await page.keyboard.press("Delete");
  await expect(options.filter({ hasText: /^threads, mostly/ })).toHaveCount(0);
});
