// What every test of the console gets: a page that must not complain.
import { test as plain, expect } from "@playwright/test";
import { demo } from "./demo.js";

export { expect };

export const test = plain.extend({
  // Read when a test runs: the configuration is read before the demo has an address.
  baseURL: async ({}, use) => use(demo().console),

  // Fails a test whose page logged an error, threw one, or missed a file.
  complaints: [
    async ({ page }, use) => {
      const complaints = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`console: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
      page.on("response", (response) => {
        if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
      });
      await use(complaints);
      expect(complaints, "what the page complained of").toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens the page of a host by way of the list. */
export async function openHost(page, name) {
  await page.goto(`/hosts?q=${encodeURIComponent(name)}`);
  await page.locator("table.hosts").getByRole("link", { name: new RegExp(`^${name}\\b`, "i") }).click();
  await expect(page).toHaveURL(/\/hosts\/\d+/);
}
