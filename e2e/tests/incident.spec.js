import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, test } from "../console.js";

async function openIncident(page) {
  await page.goto("/incidents");
  await page.getByRole("link", { name: /mybadapp\.exe/ }).first().click();
  await expect(page).toHaveURL(/\/incidents\/\d+$/);
}

for (const colorScheme of ["light", "dark"]) {
  test(`an incident draws its hosts and has no barrier, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await openIncident(page);
    await expect(page.locator(".chart.lines canvas")).toHaveCount(1);
    await expect(page.locator("output.reading")).toContainText("median");
    await expect(page.locator(".chart-state")).toBeEmpty();
    await page.screenshot({ path: picture(`incident-${colorScheme}`), fullPage: true });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  });
}

test("a fact leads to the row of the host that it is about", async ({ page }) => {
  await openIncident(page);
  await page.locator("ol.evidence").getByRole("link", { name: /holds [\d,]+ handles/ }).click();
  await expect(page).toHaveURL(/\/hosts\/\d+\?pid=\d+#processes$/);
  await expect(page.locator("table.processes tr").nth(1)).toContainText("mybadapp.exe");
});

test("people take an incident over and comment on it, with the keyboard alone", async ({ page }) => {
  await openIncident(page);
  await page.getByRole("button", { name: "Assign to me" }).press("Enter");
  await expect(page.locator("dl.facts")).toContainText("Demo");
  await page.getByRole("textbox", { name: "Comment" }).fill("<b>restarted</b>\nBadApp");
  await page.getByRole("button", { name: "Comment" }).press("Enter");
  const said = page.locator(".said").first();
  await expect(said).toHaveText("<b>restarted</b>\nBadApp");
  await expect(page.locator("ol.history")).toContainText("assigned it to themselves");
  const report = await page.request.get(`${page.url().replace(/#.*/, "")}/report.txt`);
  // Whether the host that it was last found on tells services is another test's doing.
  expect(await report.text()).toMatch(/net stop BadApp|taskkill \/pid 416/);
});

test("a note of a tag is shown at once", async ({ page }) => {
  await page.goto("/tags/Thre");
  await page.getByLabel("What it counts").fill("threads of BadApp & others");
  await page.getByLabel("Driver or part of Windows that owns it").fill("nt");
  await page.getByRole("button", { name: "Keep" }).press("Enter");
  await expect(page.locator("section", { hasText: "What it stands for" }).first()).toContainText("threads of BadApp & others");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByLabel("What it counts").fill("");
  await page.getByLabel("Driver or part of Windows that owns it").fill("");
  await page.getByRole("button", { name: "Keep" }).click();
  await expect(page.locator("h2", { hasText: "Your own note" })).not.toContainText("by Demo");
});
