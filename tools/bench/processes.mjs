// What processes cost, from /proc: the server, and Postgres with all its backends.

import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_S = 100;

function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [parent, own, ofDead] = [
      Number(fields[1]),
      Number(fields[11]) + Number(fields[12]),
      Number(fields[13]) + Number(fields[14]),
    ];
    return { parent, own, ofDead };
  } catch {
    return null; // it has ended
  }
}

/** Processor seconds of a process since its start. */
export const cpuOf = (pid) => (stat(pid)?.own ?? 0) / TICKS_PER_S;

/** Processor seconds of Postgres since its start: the postmaster, its children, those that ended. */
export function cpuOfPostgres(postmaster) {
  const self = stat(postmaster);
  let ticks = self.own + self.ofDead;
  for (const name of readdirSync("/proc")) {
    const child = /^\d+$/.test(name) ? stat(name) : null;
    if (child?.parent === postmaster) ticks += child.own;
  }
  return ticks / TICKS_PER_S;
}

/** Megabytes of memory: now, and at most so far. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field) => Number(status.match(new RegExp(`${field}:\\s+(\\d+)`))[1]) / 1024;
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}

/** The machine, in words. */
export function machine() {
  const cpus = readFileSync("/proc/cpuinfo", "utf8").match(/^model name\s*:\s*(.+)$/gm) ?? [];
  const model = cpus[0]?.split(":")[1].trim() ?? "unknown processor";
  const memory = Number(readFileSync("/proc/meminfo", "utf8").match(/MemTotal:\s+(\d+)/)[1]);
  return `${cpus.length} × ${model}, ${Math.round(memory / 1024 / 1024)} GB`;
}
