import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, test } from "../console.js";

test("every host is a cell of the map, and leads to its page", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "map of all" }).click();
  const map = page.locator("#map");
  await expect(map).toHaveAttribute("data-drawn", /^\d+$/);
  expect(Number(await map.getAttribute("data-drawn"))).toBeGreaterThanOrEqual(12);
  await map.locator("canvas").focus();
  await page.keyboard.press("End");
  await expect(map.locator("output")).toContainText("%");
  await page.keyboard.press("Home");
  await page.screenshot({ path: picture("map") });
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/hosts\/\d+$/);
});

test("hosts are found by a program and a driver in a version together", async ({ page }) => {
  await page.goto("/drivers/foo.sys");
  await page.goto("/hosts");
  await page.getByText("More filters").click();
  await page.getByRole("searchbox", { name: "Has driver" }).fill("foo.sys");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/driver=foo\.sys/);
  const with_driver = await page.locator("table.hosts tbody tr").count();
  expect(with_driver).toBeGreaterThan(0);
  await page.getByRole("searchbox", { name: "Driver version" }).fill("0.0.0.99");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator("main")).toContainText("No host matches");
});

test("events and incidents are files too", async ({ page, request }) => {
  for (const list of ["events", "incidents?show=all"]) {
    await page.goto(`/${list}`);
    const rows = await page.locator("main tbody tr").count();
    const csv = await request.get(await page.getByRole("link", { name: "CSV", exact: true }).getAttribute("href"));
    expect(csv.headers()["content-type"]).toContain("text/csv");
    const json = await request.get(await page.getByRole("link", { name: "JSON", exact: true }).getAttribute("href"));
    expect((await json.json()).length, list).toBeGreaterThanOrEqual(rows);
  }
});

test("an incident is found by its number and by words", async ({ page }) => {
  await page.goto("/incidents?show=all");
  const link = page.locator("table.causes tbody a[data-row]").first();
  const id = (await link.getAttribute("href")).match(/\d+$/)[0];
  await page.getByRole("searchbox", { name: "Filter by text" }).fill(`#${id}`);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.locator(`table.causes a[href='/incidents/${id}']`)).toHaveCount(1);
  await page.goto("/incidents?q=no-such-words");
  await expect(page.locator("main")).toContainText("No incident matches");
});
