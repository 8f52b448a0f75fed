import { picture } from "../demo.js";
import { expect, openHost, test } from "../console.js";

// The published figure of the classic case; it grows on while the demo lives.
const HANDLES = 90_472;

test.beforeEach(async ({ page }) => openHost(page, "FS-02"));

test("the host page shows who holds the handles, and of what", async ({ page }) => {
  const program = page.locator("table.processes tbody tr", { hasText: "mybadapp.exe" });
  await expect(program).toHaveCount(1);
  const handles = (await program.locator("td.num").first().textContent()).replaceAll(/\D/g, "");
  expect(Number(handles)).toBeGreaterThanOrEqual(HANDLES);
  await expect(page.locator("table.processes tbody tr").first()).toContainText("mybadapp.exe");

  const thread = page.locator("table.tags tbody tr", { hasText: "Thre" });
  await expect(thread).toHaveCount(1);
  await expect(thread).toContainText("nonpaged");
  await expect(page.getByText("Nonpaged pool", { exact: false }).first()).toBeVisible();
});

test("both pools are drawn", async ({ page }) => {
  for (const pool of ["nonpaged", "paged"]) {
    const chart = page.locator(`.chart[data-pool="${pool}"] canvas`);
    await expect(chart).toHaveCount(1);
    const drawn = await chart.evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, at) => at % 4 === 3 && value > 0);
    });
    expect(drawn, `something is drawn of ${pool} pool`).toBe(true);
    await expect(page.locator(`output[data-pool="${pool}"]`)).toContainText("MB");
  }
  await page.screenshot({ path: picture("host-light"), fullPage: true });
});

test("dragging over a chart zooms both, and one button shows all again", async ({ page }) => {
  const over = page.locator('.chart[data-pool="nonpaged"] .u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const all = page.getByRole("button", { name: "Show all" });
  await expect(all).toBeVisible();
  await all.click();
  await expect(all).toBeHidden();
});

test("tags are ordered as asked", async ({ page }) => {
  const orders = page.getByRole("navigation", { name: "Order of the tags" }).getByRole("link");
  for (let at = 0; at < (await orders.count()); at += 1) {
    await orders.nth(at).click();
    await expect(orders.nth(at)).toHaveAttribute("aria-current", "true");
    expect(await page.locator("table.tags tbody tr").count()).toBeGreaterThan(3);
  }
});
