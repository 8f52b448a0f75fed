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

for (const colorScheme of ["light", "dark"]) {
  test(`calm hosts of the map are seen against the page, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto("/map");
    await expect(page.locator("#map")).toHaveAttribute("data-drawn", /^\d+$/);
    const contrasts = await page.evaluate(() => {
      const light = ([red, green, blue]) => {
        const parts = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const canvas = document.querySelector("#map canvas");
      const { width, height } = canvas;
      const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
      const ground = light(getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number));
      // A cell is what has its colour over ten pixels in a line; calm is grey.
      const found = [];
      for (let at = 0; at + 44 < pixels.length; at += 4) {
        const colour = [...pixels.slice(at, at + 4)];
        const isGrey = Math.max(...colour.slice(0, 3)) - Math.min(...colour.slice(0, 3)) < 60;
        if (colour[3] === 0 || !isGrey) continue;
        const isCell = [4, 12, 20, 28, 36].every((step) => colour.every((part, place) => pixels[at + step + place] === part));
        if (!isCell) continue;
        const over = colour.slice(0, 3).map((part) => part * (colour[3] / 255));
        const back = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map((part) => Number(part) * (1 - colour[3] / 255));
        const cell = light(over.map((part, place) => part + back[place]));
        found.push((Math.max(cell, ground) + 0.05) / (Math.min(cell, ground) + 0.05));
        at += 40;
      }
      return found;
    });
    expect(contrasts.length).toBeGreaterThan(10);
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(3);
  });
}

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
