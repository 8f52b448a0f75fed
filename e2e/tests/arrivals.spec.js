import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { database, demo, picture, run } from "../demo.js";
import { expect, test } from "../console.js";

// The agent's own fixture: what a kernel said, as `poolwatch-agent capture` keeps it.
const CAPTURE = path.join(import.meta.dirname, "../../agent/tests/fixtures/small.pwcap");
const CAPTURED_HOST = "fs-02.example.net";

const VM = `*** Virtual Memory Usage ***
 Physical Memory:     1048352 (   4193408 Kb)
 NonPagedPool Usage:    65244 (    260976 Kb)
 NonPagedPool Max:      65503 (    262012 Kb)
`;

let folder;
test.beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "poolwatch-arrivals-"));
});
test.afterEach(() => rmSync(folder, { recursive: true }));

test("an agent enrols over TLS, sends what it measured, and its host is shown", async ({ page }) => {
  const token = await run("poolwatch-server", "admin", "create-token", "enrolment", ...database(),
    "--name", "arrivals", "--auto-approve");
  await run("poolwatch-agent", "run", "--once", "--replay", CAPTURE, "--spool-dir", folder,
    "--server-url", demo().console, "--ca-file", path.join(demo().data, "tls", "ca.pem"),
    "--enroll-token", token);
  await expect(async () => {
    await page.goto(`/hosts?q=${CAPTURED_HOST}`);
    await page.getByRole("link", { name: "FS-02" }).click({ timeout: 2_000 });
  }).toPass();
  await expect(page.locator("table.tags tbody tr").first()).toContainText("MmSt");
  await page.screenshot({ path: picture("agent-host"), fullPage: true });
});

test("what the command line imports shows without a restart of the server", async ({ page }) => {
  const file = path.join(folder, "vm.txt");
  writeFileSync(file, VM);
  await run("poolwatch-server", "import", ...database(), "--host", "DEAD-09", file);
  await expect(async () => {
    await page.goto("/hosts?q=DEAD-09");
    await page.getByRole("link", { name: "DEAD-09" }).click({ timeout: 2_000 });
  }).toPass();
  await expect(page.locator("main")).toContainText("255 MB");
});
