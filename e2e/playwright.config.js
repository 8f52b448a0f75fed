import { execFileSync } from "node:child_process";
import { defineConfig } from "@playwright/test";
import { STATE } from "./demo.js";

// $CHROMIUM, or what the machine has.
function chromium() {
  for (const name of [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"]) {
    if (!name) continue;
    try {
      return execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).trim();
    } catch {
      // Not that one.
    }
  }
  throw new Error("no Chromium: run make setup, or set CHROMIUM to one");
}

export default defineConfig({
  testDir: "tests",
  globalSetup: "./start.js",
  workers: 2,
  // Two cores that also run server, database and fleet are slow at times.
  timeout: 90_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: "list",
  use: {
    // The demo makes its certificate itself.
    ignoreHTTPSErrors: true,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: chromium(),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "door", testMatch: "door.spec.js" },
    {
      name: "signed in",
      testIgnore: ["door.spec.js", "arrivals.spec.js", "enrolment.spec.js"],
      dependencies: ["door"],
      use: { storageState: STATE },
    },
    // Adds hosts, which the others count.
    {
      name: "arrivals",
      testMatch: ["arrivals.spec.js", "enrolment.spec.js"],
      dependencies: ["signed in"],
      use: { storageState: STATE },
    },
  ],
});
