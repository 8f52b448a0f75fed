// The running demo, as start.js left it.
import { readFileSync } from "node:fs";
import path from "node:path";

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
