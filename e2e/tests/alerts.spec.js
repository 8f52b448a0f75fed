import AxeBuilder from "@axe-core/playwright";
import { demo, picture } from "../demo.js";
import { expect, test } from "../console.js";

for (const colorScheme of ["light", "dark"]) {
  test(`alerts have no barrier and fit a phone, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 768, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto("/alerts");
      for (const summary of await page.locator("main summary").all()) await summary.click();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, `${width} px`).toBeLessThanOrEqual(0);
      await page.screenshot({ path: picture(`alerts-${colorScheme}-${width}`), fullPage: true });
    }
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.getByRole("link", { name: "A leak" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("A leak");
    await expect(page.locator("dl.facts")).toContainText("In the last 7 days, here");
    await page.screenshot({ path: picture(`rule-${colorScheme}`), fullPage: true });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
}

test("a recipient is added, gets a test, and shows what its mail server said", async ({ page, request }) => {
  await page.goto("/alerts");
  await page.getByText("Add a recipient").press("Enter");
  await page.getByLabel("Name of the person or team").fill("Storage team");
  await page.getByLabel("Mail address, or URL of the webhook").fill("storage@example.com");
  await page.getByLabel("Only hosts by name").fill("no-such-host-*");
  await page.getByRole("button", { name: "Add", exact: true }).press("Enter");
  const row = page.locator("tr", { hasText: "Storage team" });
  await expect(row).toContainText("hosts no-such-host-*");
  await page.getByRole("button", { name: "Send a test to Storage team" }).press("Enter");
  await expect(row).toContainText(/sent .* 250/);
  const mails = await (await request.get(`${demo().mail}/api/email`)).json();
  const tests = mails.filter((mail) => mail.to.some((to) => to.address === "storage@example.com"));
  expect(tests.map((mail) => mail.subject)).toEqual(["[Poolwatch] NOTE Test"]);
  await page.getByRole("button", { name: "Remove Storage team" }).click();
  await expect(page.locator("section[aria-labelledby=recipients]")).not.toContainText("Storage team");
});

test("what was not delivered says why and is sent again", async ({ page }) => {
  await page.goto("/alerts");
  await page.locator("section[aria-labelledby=settings] summary").click();
  await page.getByLabel("Webhooks may go to this machine").check();
  await page.locator("section[aria-labelledby=settings]").getByRole("button", { name: "Keep" }).click();
  await page.getByText("Add a recipient").click();
  await page.getByLabel("Name of the person or team").fill("Nobody there");
  await page.getByLabel("Channel").selectOption("webhook");
  await page.getByLabel("Mail address, or URL of the webhook").fill("http://127.0.0.1:9/secret");
  await page.getByLabel("Only hosts by name").fill("no-such-host-*");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("button", { name: "Send a test to Nobody there" }).click();
  const row = page.locator("section[aria-labelledby=deliveries] tr", { hasText: "127.0.0.1:9" });
  await expect(row).toContainText("waiting");
  await expect(row).toContainText(/refused/i);
  await expect(page.locator("main")).not.toContainText("9/secret");
  await row.getByRole("button", { name: "Resend" }).press("Enter");
  await expect(page).toHaveURL(/\/alerts#deliveries$/);
  await page.getByRole("button", { name: "Remove Nobody there" }).click();
  await page.locator("section[aria-labelledby=settings] summary").click();
  await page.getByLabel("Webhooks may go to this machine").uncheck();
  await page.locator("section[aria-labelledby=settings]").getByRole("button", { name: "Keep" }).click();
  await expect(page.locator("section[aria-labelledby=settings]")).toContainText("refused");
});

test("an incident is silenced from its page, marked, and the silence ended", async ({ page }) => {
  await page.goto("/incidents");
  // Not the one whose mail another test waits for.
  const other = page.locator("table.causes tbody tr", { hasNotText: "mybadapp.exe" }).first();
  await other.locator("a[data-row]").click();
  await expect(page).toHaveURL(/\/incidents\/\d+$/);
  const url = page.url();
  const id = url.match(/\d+$/)[0];
  await page.getByLabel("Reason").fill("being replaced");
  await page.getByRole("button", { name: "Silence", exact: true }).press("Enter");
  await expect(page.locator("dl.facts")).toContainText("being replaced");
  await expect(page.locator("ol.history")).toContainText("silenced it: being replaced");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  const marked = page.locator("tr", { has: page.locator(`a[href='/incidents/${id}']`) });
  await expect(async () => {
    await page.goto("/incidents");
    await expect(marked).toContainText("silenced", { timeout: 1000 });
  }).toPass({ timeout: 30_000 });
  await page.goto("/alerts");
  const silence = page.locator("section[aria-labelledby=silences] tr", { hasText: "being replaced" });
  await silence.getByRole("button", { name: "End" }).press("Enter");
  await expect(silence).toHaveCount(0);
  await page.goto(url);
  await page.getByRole("button", { name: "Acknowledge" }).press("Enter");
  await expect(page.locator("dl.facts")).toContainText("Acknowledged");
});
