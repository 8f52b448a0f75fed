import { randomUUID } from "node:crypto";
import AxeBuilder from "@axe-core/playwright";
import { picture } from "../demo.js";
import { expect, test } from "../console.js";

/** Makes a token on the page, and gives it. */
async function makeToken(page, name) {
  await page.goto("/deploy");
  await page.getByLabel("What it is for").fill(name);
  await page.getByRole("button", { name: "Make the token" }).click();
  await expect(page.getByRole("status")).toContainText("is shown only once");
  return page.locator("#token ~ .command code").textContent();
}

/** A simulated host that proposes itself. */
async function enrol(request, token, fqdn) {
  const answer = await request.post("/agent/v1/enrol", {
    data: {
      token,
      instance_id: randomUUID(),
      facts: { fqdn, machine_guid: randomUUID(), agent_version: "0.1.0" },
      versions: [1],
    },
  });
  expect(answer.status()).toBe(201);
  return answer.json();
}

test("a token of the page enrols a host, which waits until it is approved from its list by keyboard", async ({ page, request }) => {
  const token = await makeToken(page, "e2e roll-out");
  expect(token).toMatch(/^pwe_[0-9a-f]{64}$/);
  await expect(page.locator("details[open] code").filter({ hasText: `ENROLL_TOKEN=${token}` })).toBeVisible();
  await page.screenshot({ path: picture("deploy"), fullPage: true });
  const host = await enrol(request, token, "wait-1.e2e.example");
  expect(host.pending).toBe(true);

  await page.goto("/deploy");
  await expect(page.locator("#live")).toContainText("wait-1.e2e.example");
  await expect(page.locator("#live")).toContainText("waits for approval");
  expect(await page.content()).not.toContain(token);

  await page.goto("/hosts?q=wait-1");
  await expect(page.locator("main")).toContainText("No host matches");
  await page.getByRole("link", { name: /^Waiting/ }).click();
  await page.screenshot({ path: picture("waiting"), fullPage: true });
  const box = page.getByRole("checkbox", { name: "Select wait-1.e2e.example" });
  await box.focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Approve" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "wait-1.e2e.example" })).toHaveCount(0);
  await expect(async () => {
    await page.goto("/hosts?q=wait-1");
    await page.getByRole("link", { name: "wait-1" }).click({ timeout: 2_000 });
  }).toPass();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("has sent nothing yet");
  await page.getByRole("button", { name: "Archive" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("is archived");
});

test("a rule is tried, made, approves who waits and who comes, and is deleted", async ({ page, request }) => {
  const token = await makeToken(page, "e2e rules");
  await enrol(request, token, "rule-1.e2e.example");
  await page.goto("/hosts/rules");
  await page.getByLabel("Host name").fill("rule-*");
  await page.getByLabel("Domain").fill("e2e.example");
  await page.getByRole("button", { name: "Try" }).click();
  await expect(page.locator("#trial")).toContainText("It would approve 1 host");
  await page.getByLabel("Name of the rule").fill("e2e rule");
  await page.getByRole("button", { name: "Make the rule" }).click();
  await expect(page.getByRole("row", { name: /e2e rule/ })).toContainText("name rule-*, domain e2e.example");
  await page.screenshot({ path: picture("rules"), fullPage: true });
  expect((await enrol(request, token, "rule-2.e2e.example")).pending).toBe(false);
  await expect(async () => {
    await page.goto("/hosts?q=rule-");
    await expect(page.locator("table.hosts tbody tr")).toHaveCount(2, { timeout: 2_000 });
  }).toPass();
  await page.goto("/hosts/rules");
  await page.getByRole("button", { name: "Delete e2e rule" }).click();
  await expect(page.getByRole("row", { name: /e2e rule/ })).toHaveCount(0);
  const ids = await (await request.get("/hosts.json?q=rule-")).json();
  for (const { id } of ids) {
    await page.goto(`/hosts/${id}`);
    await page.getByRole("button", { name: "Archive" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("is archived");
  }
});

for (const [scheme, width] of [["light", 390], ["dark", 390], ["light", 768], ["dark", 1280]]) {
  test(`pages of enrolment fit ${width} px, ${scheme}, without serious faults of access`, async ({ page, request }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    const token = await makeToken(page, `e2e ${scheme} ${width}`);
    const { host_id } = await enrol(request, token, `fit-${scheme}-${width}.e2e.example`);
    for (const [name, path] of [["deploy", "/deploy"], ["waiting", "/hosts/waiting"], ["candidate", `/hosts/${host_id}`], ["rules", "/hosts/rules"]]) {
      await page.goto(path);
      if (name === "deploy") for (const way of await page.locator("summary").all()) await way.click();
      const tooWide = await page.evaluate(() => {
        if (document.documentElement.scrollWidth <= innerWidth) return [];
        const sticksOut = (one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll");
        return [...document.body.querySelectorAll("*")].filter(sticksOut).map((one) => one.outerHTML.slice(0, 80));
      });
      expect(tooWide, `${name} is too wide`).toEqual([]);
      await page.screenshot({ path: picture(`${name}-${scheme}-${width}`), fullPage: true });
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" "))}`)).toEqual([]);
    }
    await page.goto(`/hosts/${host_id}`);
    await page.getByRole("button", { name: "Refuse" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("was refused");
  });
}
