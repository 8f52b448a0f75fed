// The small benchmarks, in short mode.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { say } from "./settings.mjs";

/** Every benchmark of the workspace with its mean time, as criterion prints it. */
export function smallBenchmarks() {
  const crates = ["protocol", "store", "analysis"].filter((name) => has(`crates/${name}/benches`));
  if (has("server/benches")) crates.push("server");
  const packages = crates.flatMap((name) => ["-p", `poolwatch-${name}`]);
  say(`small benchmarks of ${crates.join(", ")}`);
  const short = ["--noplot", "--warm-up-time", "0.5", "--measurement-time", "1.5"];
  const output = execFileSync("cargo", ["bench", "--locked", "--bench", "*", ...packages, "--", ...short], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const times = [];
  let name = null;
  for (const line of output.split("\n")) {
    const time = line.match(/^(.*?)\s*time:\s+\[\S+ \S+ (\S+ \S+) \S+ \S+\]/);
    if (time) times.push({ name: time[1].trim() || name, time: time[2] });
    else if (line.trim()) name = line.trim();
  }
  return times;
}

function has(folder) {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
