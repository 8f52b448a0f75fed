// The x64 program on Windows 7 and on Windows 10, as Wine plays them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";

const VERSIONS = { win7: /Windows .* 6\.1\.\d+/, win10: /Windows .* 10\.0\.\d+/ };

export default (world) =>
  describe("versions of Windows", () => {
    for (const [version, said] of Object.entries(VERSIONS)) {
      test(`it measures ${version}`, async () => {
        await world.wine.call("winecfg", "-v", version);
        const report = path.join(world.run, "wine", "drive_c", "agent", "report.txt");
        rmSync(report, { force: true });
        // Wine has no pool tags, and the checks say so; no layout may be refused.
        await world.wine.run(world.agent, "selftest", "--report", "C:\\agent\\report.txt");
        const text = readFileSync(report, "utf8");
        assert.match(text, said);
        // Wine has neither the library of these counters nor their names.
        assert.match(text, /not available +server service/, text);
        assert.doesNotMatch(text, /points outside|cannot be|ends after/, text);
        const { snapshot } = JSON.parse(await world.wine.call(world.agent, "snapshot", "--json"));
        const own = snapshot.processes.find((process) => process.image === "poolwatch-agent.exe");
        assert.ok(own?.threads > 0, JSON.stringify(snapshot.processes));
        assert.ok(snapshot.object_types.some((type) => type.name === "Thread"), "object types");
      });
    }
  });
