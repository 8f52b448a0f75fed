// The x64 program on Windows 7 and on Windows 10, as Wine plays them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";

// What Windows keeps of the counters that perfnet.c has; "\\0" parts the texts.
const NAMES = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Perflib\\009";
const COUNTERS = ["1", "1847", "330", "Server", "370", "Pool Nonpaged Failures", "376", "Pool Paged Failures"];

const VERSIONS = { win7: /Windows .* 6\.1\.\d+/, win10: /Windows .* 10\.0\.\d+/ };

export default (world) =>
  describe("versions of Windows", () => {
    for (const [version, said] of Object.entries(VERSIONS)) {
      test(`it measures ${version}`, async () => {
        await world.wine.call("winecfg", "-v", version);
        await world.wine.setValue(NAMES, "Counter", COUNTERS.join("\\0"), "REG_MULTI_SZ");
        const report = path.join(world.run, "wine", "drive_c", "agent", "report.txt");
        rmSync(report, { force: true });
        // Wine has no pool tags, and the checks say so; no layout may be refused.
        await world.wine.run(world.agent, "selftest", "--report", "C:\\agent\\report.txt");
        const text = readFileSync(report, "utf8");
        assert.match(text, said);
        assert.match(text, /good +server service +70000 allocations from nonpaged and 3 from paged pool/, text);
        assert.doesNotMatch(text, /points outside|cannot be|ends after/, text);
        const { snapshot } = JSON.parse(await world.wine.call(world.agent, "snapshot", "--json"));
        const own = snapshot.processes.find((process) => process.image === "poolwatch-agent.exe");
        assert.ok(own?.threads > 0, JSON.stringify(snapshot.processes));
        assert.ok(snapshot.object_types.some((type) => type.name === "Thread"), "object types");
      });
    }
  });
