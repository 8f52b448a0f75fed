import { picture } from "../demo.js";
import { expect, test } from "../console.js";

// What `!poolused 2` prints, with one tag far above the others.
const POOLUSED = ` Sorting by NonPaged Pool Consumed

  Pool Used:
            NonPaged            Paged
 Tag    Allocs     Used    Allocs     Used
 Leak   120145 76892800         0        0\tUNKNOWN pooltag 'Leak', please update pooltag.txt
 File    18743  2994617         0        0\tFile objects
 MmCm      112   917504         0        0\tCalls made to MmAllocateContiguousMemory , Binary: nt!mm
TOTAL   139000 80804921         0        0
`;

test("a debugger's output from a dead machine is read and shown", async ({ page }) => {
  await page.goto("/evidence");
  await page.getByRole("textbox", { name: "Host", exact: true }).fill("DEAD-01");
  await page.getByLabel("Files").setInputFiles({
    name: "poolused.txt",
    mimeType: "text/plain",
    buffer: Buffer.from(POOLUSED),
  });
  await page.getByRole("button", { name: "Import" }).click();
  const file = page.getByRole("row", { name: /poolused\.txt/ });
  await expect(file).toContainText("!poolused");
  await page.screenshot({ path: picture("evidence-result"), fullPage: true });
  await page.getByRole("link", { name: "Open DEAD-01" }).click();
  await expect(page.locator("table.tags tbody tr").first()).toContainText("Leak");
});

test("a file that is nothing known is said so, and its lines are shown", async ({ page }) => {
  await page.goto("/evidence");
  await page.getByRole("textbox", { name: "Host", exact: true }).fill("DEAD-02");
  await page.getByLabel("Files").setInputFiles({
    name: "<i>shopping & list.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("bread\nbutter\n"),
  });
  await page.getByRole("button", { name: "Import" }).click();
  const file = page.getByRole("row", { name: /shopping/ });
  await expect(file).toContainText("not recognised");
  await expect(file).toContainText("<i>shopping & list.txt");
});
