import { demo, picture, STATE } from "../demo.js";
import { expect, test } from "../console.js";

test("who is not signed in is asked who they are", async ({ page }) => {
  await page.goto("/incidents");
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.screenshot({ path: picture("login") });
});

test("a wrong password is refused and does not tell which part was wrong", async ({ page, complaints }) => {
  await page.goto("/login");
  await page.getByLabel("E-mail address").fill(demo().email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("E-mail address or password is wrong.");
  await page.goto("/");
  await expect(page).toHaveURL(/\/login/);
  // The browser reports the refusal itself as a failed request.
  complaints.length = 0;
});

test("the right password opens the page that was asked for", async ({ page }) => {
  await page.goto("/hosts");
  await page.getByLabel("E-mail address").fill(demo().email);
  await page.getByLabel("Password").fill(demo().password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/hosts$/);
  await page.context().storageState({ path: STATE });
});

test("signing out ends the session", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("E-mail address").fill(demo().email);
  await page.getByLabel("Password").fill(demo().password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/");
  await expect(page).toHaveURL(/\/login/);
});
