import { expect, test } from "../console.js";

// Not those that other tests wait for, or silence.
async function openOther(page) {
  await page.goto("/incidents");
  await page.locator("table.causes tbody tr", { hasNotText: "mybadapp.exe" }).last().locator("a[data-row]").click();
  await expect(page).toHaveURL(/\/incidents\/\d+$/);
}

test("an incident is confirmed, closed with its hosts kept, and opened again", async ({ page }) => {
  await openOther(page);
  if (await page.getByRole("button", { name: "Yes, confirm" }).isVisible()) {
    await page.getByRole("button", { name: "Yes, confirm" }).click();
    await expect(page.locator("dl.facts")).toContainText("Confirmed");
    await expect(page.locator("ol.history")).toContainText("confirmed that it was");
  }
  const hosts = page.locator("section[aria-labelledby=hosts] tbody tr");
  const before = await hosts.count();
  expect(before).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Mark as resolved" }).click();
  await page.goto(page.url().replace(/#.*/, ""));
  await expect(page.locator("dl.facts")).toContainText("nothing goes on here now");
  expect(await hosts.count()).toBeGreaterThanOrEqual(before);
  await page.getByRole("button", { name: "Open again" }).click();
  await expect(page.locator("dl.facts")).not.toContainText("nothing goes on here now");
  await expect(page.locator("ol.history")).toContainText("opened it again");
});

test("an incident is handed on as an archive for somebody else's support", async ({ page }) => {
  await page.goto("/incidents");
  await page.getByRole("link", { name: /mybadapp\.exe/ }).first().click();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: /^zip/ }).click();
  expect((await download).suggestedFilename()).toMatch(/^incident-\d+\.zip$/);
});

test("what to do comes in the order of the suspect, the rest is folded", async ({ page }) => {
  await page.goto("/incidents");
  await page.getByRole("link", { name: /mybadapp\.exe/ }).first().click();
  const section = page.locator("section[aria-labelledby=do]");
  await expect(section.locator("ol.steps > li h3").first()).toContainText("mybadapp.exe");
  const folded = section.locator("details.more-steps");
  await expect(folded).not.toHaveAttribute("open", "");
  await folded.locator("summary").click();
  await expect(folded.locator("li").first()).toBeVisible();
});
