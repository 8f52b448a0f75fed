// Starts the demo with a small fleet before the first test, and stops it after the last.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { RUN } from "./demo.js";

const HOSTS = 12;
const HISTORY_HOURS = 6;
const READY_WITHIN_MS = 180_000;

export default async function start() {
  rmSync(RUN, { recursive: true, force: true });
  mkdirSync(RUN);
  const folder = mkdtempSync(path.join(tmpdir(), "poolwatch-e2e-"));
  // The private Postgres of a server started as root runs as another user.
  chmodSync(folder, 0o711);
  const script = spawn(path.join(import.meta.dirname, "..", "tools", "demo.sh"), {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      DEMO_PROFILE: "debug",
      ...process.env,
      DEMO_DIR: folder,
      DEMO_HOSTS: String(HOSTS),
      DEMO_HISTORY_HOURS: String(HISTORY_HOURS),
    },
  });
  let told = "";
  script.stdout.on("data", (text) => (told += text));
  const ended = once(script, "exit");

  const stop = async () => {
    script.kill("SIGTERM");
    await ended;
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".log"))) {
      copyFileSync(path.join(folder, file), path.join(RUN, file));
    }
    rmSync(folder, { recursive: true });
  };
  const until = Date.now() + READY_WITHIN_MS;
  while (!existsSync(path.join(folder, "demo.json"))) {
    if (script.exitCode !== null) throw new Error(`the demo did not start; logs: ${folder}\n${told}`);
    if (Date.now() > until) {
      await stop();
      throw new Error(`the demo is not live after ${READY_WITHIN_MS / 1000} s:\n${told}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  copyFileSync(path.join(folder, "demo.json"), path.join(RUN, "demo.json"));
  copyFileSync(path.join(folder, "truth.json"), path.join(RUN, "truth.json"));
  return stop;
}
