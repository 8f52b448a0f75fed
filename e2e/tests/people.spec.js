import { picture } from "../demo.js";
import { expect, test } from "../console.js";

/** The link or token that a page shows once. */
const secret = (page) => page.locator(".secret code").innerText();

test("a person is added, sets a password by the link, sees no settings, and the log tells it", async ({ page, browser, baseURL }) => {
  const email = `vera${Date.now()}@example.com`;
  await page.goto("/");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "People" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Vera");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Role").selectOption("viewer");
  await page.getByRole("button", { name: "Add" }).click();
  const link = new URL(await secret(page));

  const other = await browser.newContext({ ignoreHTTPSErrors: true, storageState: { cookies: [], origins: [] } });
  const vera = await other.newPage();
  await vera.goto(new URL(link.pathname + link.search, baseURL).href);
  await vera.screenshot({ path: picture("welcome") });
  await vera.getByLabel("Password").fill("a few easy words");
  await vera.getByRole("button", { name: "Set the password" }).click();
  await expect(vera).toHaveURL(new URL("/", baseURL).href);
  await expect(vera.getByRole("link", { name: "Hosts" })).toBeVisible();
  await expect(vera.getByRole("link", { name: "Settings" })).toHaveCount(0);
  expect((await vera.goto(new URL("/settings/people", baseURL).href)).status()).toBe(403);
  await vera.goto(new URL("/account", baseURL).href);
  await expect(vera.getByRole("heading", { name: "Vera" })).toBeVisible();
  await other.close();

  await page.goto("/settings/audit?what=link");
  await expect(page.locator("table.audit")).toContainText(email);
  await page.screenshot({ path: picture("audit") });
});

test("a token is made, works, and opens nothing once it is revoked", async ({ page, playwright, baseURL }) => {
  const name = `report ${Date.now()}`;
  await page.goto("/settings/tokens");
  await page.getByLabel("What it is for").fill(name);
  await page.getByRole("button", { name: "Make the token" }).click();
  const token = await secret(page);
  const script = await playwright.request.newContext({
    baseURL,
    ignoreHTTPSErrors: true,
    extraHTTPHeaders: { authorization: `Bearer ${token}` },
    storageState: { cookies: [], origins: [] },
  });
  expect((await script.get("/api/v1/hosts")).status()).toBe(200);
  expect((await script.get("/api/v1/people")).status()).toBe(403);
  await page.getByRole("link", { name: "All tokens" }).click();
  await page.getByRole("button", { name: `Revoke ${name}` }).click();
  await expect(page.getByRole("button", { name: `Revoke ${name}` })).toHaveCount(0);
  expect((await script.get("/api/v1/hosts")).status()).toBe(401);
  await script.dispose();
  await page.goto("/settings/audit?what=revoked");
  await expect(page.locator("table.audit")).toContainText(name);
});
