import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

const input = (page) => page.getByRole("combobox", { name: /^Search/ });
const options = (page) => page.locator(".palette").getByRole("option");

for (const colorScheme of ["light", "dark"]) {
  test(`the palette finds what there is, by keyboard alone, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto("/events");
    await page.keyboard.press("Control+k");
    await expect(input(page)).toBeFocused();
    await expect(options(page).first()).toHaveText(/Fleet/);
    for (const [text, found] of [["fs-02", /fs-02/i], ["thre", /Thre/], ["mybadapp", /mybadapp\.exe/], ["foo.sys", /foo\.sys/], ["audit", /Nothing|Search everything/]]) {
      await input(page).fill(text);
      await expect(options(page).filter({ hasText: found }).first()).toBeVisible();
    }
    await input(page).fill("mybadapp");
    await expect(options(page).filter({ hasText: "mybadapp.exe" }).first()).toBeVisible();
    await page.screenshot({ path: picture(`palette-${colorScheme}`) });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await input(page).fill("foo.sys");
    await expect(options(page).first()).toHaveText(/foo\.sys/);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/drivers\/foo\.sys$/);
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keys" })).toContainText("Ctrl-K");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog", { name: "Keys" })).toBeHidden();
  });
}

test("the rows of Hosts are less than thirty tab stops away, and the heads one of them", async ({ page }) => {
  await page.goto("/hosts");
  let stops = 0;
  const inRows = () => page.evaluate(() => document.activeElement.closest("tbody") !== null);
  do {
    await page.keyboard.press("Tab");
    stops += 1;
  } while (!(await inRows()) && stops < 60);
  expect(stops).toBeLessThan(30);
  await page.locator("tr.heads a[tabindex='0']").focus();
  const first = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("ArrowRight");
  expect(await page.evaluate(() => document.activeElement.textContent)).not.toBe(first);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/sort=/);
});

test("a host is set beside its former self from the palette, on any of its pages", async ({ page }) => {
  await openHost(page, "FS-02");
  await page.getByRole("navigation", { name: "Pages of this host" }).getByRole("link", { name: "Drivers" }).click();
  await page.keyboard.press("/");
  await input(page).fill("itself an hour");
  await expect(options(page).first()).toHaveText(/Compare this host with itself an hour ago/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/compare\?host=(\d+)&host=\1&at=1h$/);
  await expect(page.getByRole("columnheader")).toHaveCount(4);
});
