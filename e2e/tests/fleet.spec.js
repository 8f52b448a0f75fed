import { picture, truth } from "../demo.js";
import { expect, test } from "../console.js";

// Until the planted event has come and was judged.
const CAUSE_WITHIN_MS = 180_000;

test("the fleet page counts the hosts and names the cause", async ({ page }) => {
  test.setTimeout(CAUSE_WITHIN_MS + 30_000);
  const causes = page.locator("table.causes");
  await expect(async () => {
    await page.goto("/");
    await expect(causes).toContainText("mybadapp.exe", { timeout: 1000 });
  }).toPass({ timeout: CAUSE_WITHIN_MS, intervals: [2000] });

  const count = (name) => page.locator(".counts div", { has: page.getByText(name, { exact: true }) }).locator("dd");
  // Hosts that other tests import do not report.
  await expect(count("reporting")).toHaveText(String(truth().hosts.length));
  await expect(page.getByRole("heading", { level: 1 })).not.toBeEmpty();
  const hosts = page.locator("table.hosts");
  await expect(hosts.getByRole("link", { name: /^FS-02/i }).first()).toBeVisible();
  await expect(page.locator(".histograms svg")).toHaveCount(2);
  await expect(page.locator("#freshness")).toContainText("live");
  await page.screenshot({ path: picture("fleet-light"), fullPage: true });
});

test("the page renews itself without being loaded again", async ({ page }) => {
  await page.goto("/");
  const first = await page.locator("#freshness").getAttribute("data-now");
  await expect(page.locator("#freshness")).not.toHaveAttribute("data-now", first, { timeout: 25_000 });
});

test("rows are walked by j and k, and Enter opens one", async ({ page }) => {
  await page.goto("/hosts");
  await page.keyboard.press("j");
  const first = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  expect(await page.evaluate(() => document.activeElement.textContent)).toBe(first);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/hosts\/\d+/);
});

test("hosts are sorted, filtered and exported by their address", async ({ page, request }) => {
  await page.goto("/hosts?q=FS-02");
  await expect(page.locator("table.hosts tbody tr")).toHaveCount(1);
  const csv = await request.get(await page.getByRole("link", { name: "CSV" }).getAttribute("href"));
  expect(csv.headers()["content-type"]).toContain("text/csv");
  expect(await csv.text()).toMatch(/FS-02/i);
  const json = await request.get(await page.getByRole("link", { name: "JSON" }).getAttribute("href"));
  expect(JSON.stringify(await json.json())).toMatch(/FS-02/i);
});

test("/ goes to the search, which knows hosts, programs and incidents", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("/");
  await expect(page.getByRole("combobox", { name: /^Search/ })).toBeFocused();
  await page.keyboard.type("fs-02");
  await page.keyboard.press("Enter");
  // The one host of exactly this name.
  await expect(page).toHaveURL(/\/hosts\/\d+$/);
  await expect(page.locator(".crumb")).toContainText(/fs-02/i);

  await page.goto("/search?q=mybadapp");
  await expect(page.locator("table.hosts").getByRole("link", { name: /^FS-02/i })).toBeVisible();
  await page.goto("/search?q=no-such-thing");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Nothing matches");
});
