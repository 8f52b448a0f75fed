import { expect, test } from "../console.js";

const LISTS = ["tags", "applications", "drivers"];

for (const list of LISTS) {
  test(`${list} are sorted, filtered and exported by their address`, async ({ page, request }) => {
    await page.goto(`/${list}`);
    const rows = page.locator("table.listed tbody tr");
    expect(await rows.count()).toBeGreaterThan(3);
    const first = page.locator("table.listed thead").getByRole("link").first();
    await first.click();
    await expect(page).toHaveURL(/order=asc/);
    const head = page.locator("table.listed thead th").first();
    await expect(head).toHaveAttribute("aria-sort", "ascending");
    const names = await page.locator("table.listed tbody tr th > a:first-child").allTextContents();
    await head.getByRole("link").click();
    await expect(head).toHaveAttribute("aria-sort", "descending");

    const name = names.at(-1);
    await page.locator("main input[type=search]").fill(name);
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page).toHaveURL(/[?&]q=/);
    await expect(rows.first()).toBeVisible();
    const csv = await request.get(await page.getByRole("link", { name: "CSV" }).getAttribute("href"));
    expect(csv.headers()["content-type"]).toContain("text/csv");
    const json = await request.get(await page.getByRole("link", { name: "JSON" }).getAttribute("href"));
    expect((await json.json()).length).toBe(await rows.count());
  });
}

test("rows of a list are walked by keys, and lead to a page of their own", async ({ page }) => {
  for (const list of LISTS) {
    await page.goto(`/${list}`);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`/${list}/`));
    await expect(page.locator(".crumb")).toBeVisible();
    await expect(page.locator("table.listed tbody tr").first()).toBeVisible();
  }
});

test("the tag of the classic case says what it is and where it is", async ({ page }) => {
  await page.goto("/tags/Thre");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Thre uses");
  await expect(page.locator("table.listed tbody tr").first()).toContainText(/FS-02/i);
  await page.goto("/applications/mybadapp.exe");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("mybadapp.exe holds");
});

test("a tag with markup and odd bytes has a page that does no harm", async ({ page }) => {
  for (const tag of ["%3Cb%3E%22", "%5Cx2e%5Cx2e", "%5Cx00%5Cxff%5Cx5c%2F"]) {
    const answer = await page.goto(`/tags/${tag}`);
    expect(answer.status()).toBe(200);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("No host uses");
    expect(await page.locator("main b").count()).toBe(0);
  }
});
