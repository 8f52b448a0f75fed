import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, test } from "../console.js";

const VM = `2: kd> !vm

*** Virtual Memory Usage ***
  Physical Memory:   262012   ( 1048048 Kb)
  NonPaged Pool Usage: 52461   (  209844 Kb)
  NonPaged Pool Max:   54278   (  217112 Kb)
`;
const POOLUSED = `2: kd> !poolused 2
   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
Tag    Allocs     Used    Allocs     Used
Thre   120145 76892800         0        0
File   187113 29946176         0        0
`;
const PROCESS = `2: kd> !process 0 0
PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124
DirBase: 110f6000  ObjectTable: 88584448  TableSize: 90472
Image: mybadapp.exe
`;
const text = (name, content) => ({ name, mimeType: "text/plain", buffer: Buffer.from(content) });

for (const colorScheme of ["light", "dark"]) {
  test(`a debugger's texts of a dead machine lead to their culprit, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto("/evidence");
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page
      .getByLabel("Files", { exact: true })
      .setInputFiles([text("vm.txt", VM), text("poolused.txt", POOLUSED), text("process.txt", PROCESS)]);
    await page.getByRole("button", { name: "Diagnose" }).click();
    await expect(page).toHaveURL(/\/evidence\/[0-9a-f-]{36}$/);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("mybadapp.exe");
    await expect(page.locator("ol.evidence")).toContainText("90,472");
    await expect(page.getByRole("row", { name: /^Thre/ })).toContainText("120,145");
    await expect(page.getByRole("row", { name: /process\.txt/ })).toContainText("!process");
    await page.screenshot({ path: picture(`evidence-diagnosis-${colorScheme}`), fullPage: true });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    const name = `DEAD-${colorScheme}`;
    await page.getByLabel("Keep as host").fill(name);
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("link", { name }).click();
    await expect(page.locator("table.tags tbody tr").first()).toContainText("Thre");
  });
}

test("files that are dropped anywhere on the page are diagnosed at once", async ({ page }) => {
  await page.goto("/evidence");
  const dropped = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], "vm.txt", { type: "text/plain" }));
    return transfer;
  }, VM);
  await page.dispatchEvent("main", "drop", { dataTransfer: dropped });
  await expect(page.getByRole("row", { name: /vm\.txt/ })).toContainText("!vm");
});

test("pasted nonsense is said to be so, line by line, and names are text", async ({ page }) => {
  await page.goto("/evidence");
  await page.getByLabel("Files", { exact: true }).setInputFiles(text("<i>shopping & list.txt", "bread\nbutter\n"));
  await page.getByLabel("Or paste text").fill("milk");
  await page.getByRole("button", { name: "Diagnose" }).press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing in these files was understood.");
  const file = page.getByRole("row", { name: /shopping/ });
  await expect(file).toContainText("not recognised");
  await expect(file).toContainText("<i>shopping & list.txt");
  await page.screenshot({ path: picture("evidence-nothing"), fullPage: true });
});

test("one snapshot says that it cannot show growth", async ({ page }) => {
  await page.goto("/evidence");
  await page.getByLabel("Or paste text").fill("2: kd> !vm\n  NonPaged Pool Usage: 12461   (   49844 Kb)\n  NonPaged Pool Max:   54278   (  217112 Kb)\n2: kd> !poolused 2\n            NonPaged            Paged\nTag    Allocs     Used    Allocs     Used\nThre     1201   768920         0        0\nFile   187113 29946176         0        0\n");
  await page.getByRole("button", { name: "Diagnose" }).click();
  await expect(page.locator(".masthead")).toContainText("cannot show growth; take another in an hour");
});
