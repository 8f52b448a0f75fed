// What the agent costs, as it tells of itself in its snapshots. Last: by then it has run for a while.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { INTERVAL_S } from "./server.mjs";
import { until } from "./wine.mjs";

const CYCLES = 6;
// What is aimed at, and what is too much even on a busy machine under Wine.
const CPU_MS = { target: 20, most: 60 };
const PRIVATE_MB = { target: 8, most: 16 };

export default (world) =>
  describe("cost", () => {
    test("a cycle takes little time and memory", async (t) => {
      const costs = new Map();
      await until(`${CYCLES} snapshots with their cost`, CYCLES * INTERVAL_S * 2, async () => {
        const { at, snapshot } = await world.server.get(`/api/v1/hosts/${world.host}`);
        if (snapshot.cost) costs.set(at, snapshot.cost);
        return costs.size >= CYCLES;
      });
      const each = [...costs.values()];
      // Wine counts in steps of 10 ms, so only the mean says something.
      const cpuMs = each.reduce((sum, cost) => sum + cost.cpu_us, 0) / each.length / 1000;
      const privateMb = Math.max(...each.map((cost) => cost.private_bytes)) / 1e6;
      t.diagnostic(`CPU per cycle: ${cpuMs.toFixed(1)} ms (aim: ${CPU_MS.target} ms)`);
      t.diagnostic(`private memory: ${privateMb.toFixed(1)} MB (aim: ${PRIVATE_MB.target} MB)`);
      assert.ok(cpuMs <= CPU_MS.most, `a cycle takes ${cpuMs} ms, more than ${CPU_MS.most} ms`);
      assert.ok(
        privateMb <= PRIVATE_MB.most,
        `the agent takes ${privateMb} MB, more than ${PRIVATE_MB.most} MB`,
      );
    });
  });
