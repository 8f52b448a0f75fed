// Runs poolwatch-sim load against the server.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { settings } from "./settings.mjs";

/**
 * Starts a load. Returns promises of its report, and of the moment at which every host has sent its
 * first frame.
 */
export function startLoad(server, args) {
  const log = createWriteStream(join(server.folder, "load.log"), { flags: "a" });
  const common = ["--server", server.url, "--ca-file", server.caFile, "--json"];
  const load = spawn(join(settings.programs, "poolwatch-sim"), ["load", ...common, ...args], {
    env: { ...process.env, POOLWATCH_TOKEN: server.enrolment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const measuring = new Promise((done) => {
    load.stderr.on("data", (part) => {
      log.write(part);
      if (part.includes("Measuring")) done();
    });
  });
  let output = "";
  load.stdout.on("data", (part) => (output += part));
  const report = new Promise((done, failed) => {
    load.on("error", failed);
    load.on("close", (status) => {
      if (status === 0) done(JSON.parse(output));
      else failed(new Error(`the load failed: see ${server.folder}/load.log`));
    });
  });
  return { measuring, report };
}

export const runLoad = (server, args) => startLoad(server, args).report;
