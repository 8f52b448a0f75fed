import { demo, picture } from "../demo.js";
import { expect, test } from "../console.js";
import { startProvider } from "../provider.js";

test("a person signs in by an identity provider with what its groups may do", async ({ page, browser, baseURL }) => {
  await page.goto("/settings/sign-in");
  const back = await page.locator("section[aria-labelledby=there] pre code").innerText();
  const provider = await startProvider(back.trim(), "server team");
  try {
    await page.getByLabel("Address").fill(provider.issuer);
    await page.getByLabel("Client ID").fill("poolwatch");
    await page.getByLabel("Client secret").fill("what both of them know");
    await page.getByLabel("What groups may do").fill("server team = operator");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText(provider.issuer);
    await page.screenshot({ path: picture("sign-in-settings") });

    const name = `vera${Date.now()}`;
    const other = await browser.newContext({ ignoreHTTPSErrors: true, storageState: { cookies: [], origins: [] } });
    const vera = await other.newPage();
    await vera.goto(new URL("/hosts", baseURL).href);
    await vera.screenshot({ path: picture("login-by-provider") });
    await vera.getByRole("link", { name: /^Sign in with/ }).click();
    await vera.locator("input[name=login]").fill(name);
    await vera.locator("input[name=password]").fill("anything");
    await vera.getByRole("button").first().click();
    await vera.getByRole("button", { name: "Continue" }).click();
    await expect(vera).toHaveURL(/\/hosts$/);
    await expect(vera.getByRole("link", { name: "Settings" })).toHaveCount(0);
    await vera.goto(new URL("/account", baseURL).href);
    await expect(vera.getByRole("heading", { name: `${name} of Corp` })).toBeVisible();
    await other.close();

    await page.goto(`/settings/people?q=${name}`);
    await expect(page.locator("table")).toContainText(`${name}@corp.example`);
    await page.goto("/settings/audit?what=sign%20in");
    await expect(page.locator("table.audit")).toContainText(provider.issuer);
  } finally {
    await page.goto("/settings/sign-in");
    await page.getByLabel("Address").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("People sign in with a password.");
    await provider.stop();
  }
  // Whoever has a password still signs in by it.
  const local = await browser.newContext({ ignoreHTTPSErrors: true, storageState: { cookies: [], origins: [] } });
  const own = await local.newPage();
  await own.goto(new URL("/login", baseURL).href);
  await expect(own.getByRole("link", { name: /^Sign in with/ })).toHaveCount(0);
  await own.getByLabel("E-mail address").fill(demo().email);
  await own.getByLabel("Password").fill(demo().password);
  await own.getByRole("button", { name: "Sign in" }).click();
  await expect(own).toHaveURL(new URL("/", baseURL).href);
  await local.close();
});
