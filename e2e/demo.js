// The running demo, as start.js left it.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const home = import.meta.dirname;

/** What is known of this run: the demo's addresses, truth and logs. */
export const RUN = path.join(home, ".run");
/** The session of who signed in first. */
export const STATE = path.join(RUN, "session.json");

/** Addresses and sign-in of the running demo. */
export function demo() {
  return JSON.parse(readFileSync(path.join(RUN, "demo.json"), "utf8"));
}

/** What is planted in its fleet. */
export function truth() {
  return JSON.parse(readFileSync(path.join(RUN, "truth.json"), "utf8"));
}

/** Where a picture of a page goes. */
export function picture(name) {
  return path.join(home, "screenshots", `${name}.png`);
}

/** Runs one of the demo's programs, and gives what it printed. */
export async function run(program, ...args) {
  const { stdout } = await promisify(execFile)(path.join(demo().programs, program), args);
  return stdout.trim();
}

/** Options by which the server's commands reach the demo's database. */
export function database() {
  return ["--database", "embedded", "--data-dir", demo().data];
}
