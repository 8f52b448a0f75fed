import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

const drawn = (page) => page.locator("#drawn");

test("a row is drawn in place, with others, and the address keeps it", async ({ page }) => {
  await openHost(page, "FS-02");
  await expect(drawn(page)).toBeHidden();
  await page.locator("table.tags tbody tr", { hasText: "Thre" }).getByRole("link", { name: /^Chart of Thre/ }).click();
  await expect(drawn(page)).toBeVisible();
  await expect(drawn(page).locator("canvas")).toHaveCount(1);
  await expect(drawn(page).locator(".drawn-names li")).toHaveText(/Thre, nonpaged\s*[\d.]+ [kM]B/);
  await expect(page).toHaveURL(/[?&]draw=nonpaged%3AThre/);
  await page.locator("table.processes tbody tr", { hasText: "mybadapp.exe" }).getByRole("link", { name: /^Chart of handles/ }).click();
  await expect(drawn(page).locator(".drawn-names li")).toHaveCount(2);
  await expect(drawn(page).locator(".drawn-names li").nth(1)).toHaveText(/handles of mybadapp\.exe 416\s*[\d,.]+/);
  await page.screenshot({ path: picture("history") });

  await page.reload();
  await expect(drawn(page).locator(".drawn-names li")).toHaveCount(2);
  await page.getByRole("navigation", { name: "Range of the history" }).getByRole("link", { name: "2 y" }).click();
  await expect(page).toHaveURL(/hours=17520/);
  await expect(drawn(page).locator(".chart-state")).toBeEmpty();
  await expect(drawn(page).locator("canvas")).toHaveCount(1);
  // Other views of the host keep what is drawn.
  await page.getByRole("navigation", { name: "Pages of this host" }).getByRole("link", { name: "Tags" }).click();
  await expect(page).toHaveURL(/\/hosts\/\d+\/tags\?.*draw=/);
  await expect(drawn(page).locator(".drawn-names li")).toHaveCount(2);
  await page.getByRole("button", { name: /^Without handles/ }).press("Enter");
  await expect(drawn(page).locator(".drawn-names li")).toHaveCount(1);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(drawn(page)).toBeHidden();
  await expect(page).not.toHaveURL(/draw=/);
});

test("commit, object types and all tags of a driver are drawn", async ({ page }) => {
  await openHost(page, "FS-02");
  await page.getByRole("link", { name: "Chart of commit charge and limit" }).click();
  await expect(drawn(page).locator(".drawn-names li")).toHaveCount(2);
  await expect(drawn(page)).toContainText("commit charge");
  await page.getByRole("navigation", { name: "Pages of this host" }).getByRole("link", { name: "Object types" }).click();
  await page.getByRole("link", { name: "Chart of Thread objects" }).click();
  await expect(drawn(page).locator(".drawn-names li").last()).toHaveText(/Thread objects\s*[\d,.]+/);
});

test("a host lists all of its tags, processes, types, drivers and what happened", async ({ page, request }) => {
  await openHost(page, "FS-02");
  const sections = page.getByRole("navigation", { name: "Pages of this host" });
  for (const [name, list] of [["Tags", "tags"], ["Processes", "processes"], ["Object types", "types"], ["Drivers", "drivers"], ["Timeline", "timeline"]]) {
    await sections.getByRole("link", { name, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/hosts/\\d+/${list}$`));
    await expect(page.locator("table.listed tbody tr").first()).toBeVisible();
    expect((await new AxeBuilder({ page }).analyze()).violations, name).toEqual([]);
    const json = await request.get(await page.getByRole("link", { name: "JSON", exact: true }).getAttribute("href"));
    const rows = await json.json();
    const total = Number((await page.locator(".foot").textContent()).match(/of ([\d,]+)/)[1].replaceAll(",", ""));
    expect(rows.length, name).toBe(total);
    await page.screenshot({ path: picture(`host-${list}`), fullPage: true });
  }
  await sections.getByRole("link", { name: "Tags", exact: true }).click();
  await page.getByRole("searchbox", { name: "Filter by text" }).fill("thre");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator("table.tags tbody tr")).toHaveCount(1);
});

test("a stale bookmark of a chart shows the page", async ({ page }) => {
  await openHost(page, "FS-02");
  await page.goto(`${page.url().replace(/\?.*/, "")}?draw=moon,nonpaged:Qqqq,handles:999999`);
  await expect(drawn(page)).toBeVisible();
  await expect(drawn(page).locator(".chart-state")).toHaveText(/Nothing was received|^$/);
  await expect(page.locator("table.tags")).toBeVisible();
});
