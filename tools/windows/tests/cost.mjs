// What the agent costs, as it tells of itself in its snapshots.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { INTERVAL_S } from "./server.mjs";
import { until } from "./wine.mjs";

const CYCLES = 10;
// What is aimed at, and what is too much even on a busy machine under Wine.
const CPU_MS = { aim: 20, most: 60 };
const PRIVATE_MB = 8;

// Collects the costs of the host's snapshots from now on, while other tests run.
export function collectCosts(world) {
  const costs = new Map();
  const began = cpuMs(world.measured.child.pid);
  const ask = async () => {
    const { at, snapshot } = await world.server.get(`/api/v1/hosts/${world.host}`);
    if (snapshot?.cost) costs.set(at, snapshot.cost);
  };
  const timer = setInterval(() => ask().catch(() => {}), (INTERVAL_S * 1000) / 3);
  timer.unref();
  return { costs, began, stop: () => clearInterval(timer) };
}

// CPU time of a process in milliseconds, exactly, as Linux counts it.
function cpuMs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const spent = threads.map((thread) => {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  });
  return spent.reduce((sum, ns) => sum + ns, 0) / 1e6;
}

// Late: by then the agent has run for a while. It ends here.
export default (world) =>
  describe("cost", () => {
    test("a cycle takes little time and memory", async (t) => {
      const { costs, began, stop } = world.collected;
      await until(`${CYCLES} snapshots`, () => costs.size >= CYCLES, CYCLES * INTERVAL_S * 6);
      stop();
      const all = cpuMs(world.measured.child.pid) - began;
      world.measured.child.kill();
      const each = [...costs.values()];
      const counted = all / each.length;
      // Wine counts in steps of 10 ms, so only the mean says something.
      const cpu = each.reduce((sum, cost) => sum + cost.cpu_us, 0) / each.length / 1000;
      const memory = Math.max(...each.map((cost) => cost.private_bytes)) / 1e6;
      t.diagnostic(`CPU per cycle, mean of ${each.length}: ${cpu.toFixed(1)} ms by the agent, ${counted.toFixed(1)} ms by Linux (aim: ${CPU_MS.aim} ms)`);
      t.diagnostic(`private memory: ${memory.toFixed(1)} MB (at most ${PRIVATE_MB} MB)`);
      for (const [who, ms] of [["the agent", cpu], ["Linux", counted]]) {
        assert.ok(ms <= CPU_MS.most, `by ${who}, a cycle takes ${ms} ms: over ${CPU_MS.most} ms`);
      }
      assert.ok(memory > 0, "the agent does not tell its memory");
      assert.ok(memory <= PRIVATE_MB, `${memory} MB of its own: over ${PRIVATE_MB} MB`);
    });
  });
