// Which source of a setting holds, and that `status` says so.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const POLICIES = "HKLM\\SOFTWARE\\Policies\\Poolwatch\\Agent";
const INSTALLER = "HKLM\\SOFTWARE\\Poolwatch\\Agent";

export default (world) =>
  describe("settings", () => {
    const folder = path.join(world.run, "wine", "drive_c", "ProgramData", "Poolwatch");
    const interval = async (...flags) => {
      const status = await world.wine.call(world.agent, "status", "--json", ...flags);
      const { value, source } = JSON.parse(status).settings.interval_s;
      return [value, source];
    };
    after(async () => {
      rmSync(path.join(folder, "agent.toml"));
      await world.wine.deleteKey(POLICIES);
      await world.wine.deleteKey(INSTALLER);
    });

    test("each source beats those below it", async () => {
      assert.deepEqual(await interval(), ["60", "default"]);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, "agent.toml"), "interval_s = 20\n");
      assert.deepEqual(await interval(), ["20", "file"]);
      await world.wine.setValue(INSTALLER, "IntervalSeconds", "30");
      assert.deepEqual(await interval(), ["30", "installer"]);
      assert.deepEqual(await interval("--interval-s", "40"), ["40", "command_line"]);
      await world.wine.setValue(POLICIES, "IntervalSeconds", 50);
      assert.deepEqual(await interval("--interval-s", "40"), ["50", "policy"]);
    });

    test("a malformed file is passed over with the reason, and the others hold", async () => {
      const good = readFileSync(path.join(folder, "agent.toml"));
      writeFileSync(path.join(folder, "agent.toml"), "interval_s = \n");
      assert.deepEqual(await interval(), ["50", "policy"]);
      const status = await world.wine.call(world.agent, "status");
      assert.match(status, /Passed over: .*agent\.toml: .*line 1/s);
      writeFileSync(path.join(folder, "agent.toml"), good);
    });

    test("a policy that makes no sense is reported and passed over", async () => {
      await world.wine.setValue(POLICIES, "IntervalSeconds", 5);
      assert.deepEqual(await interval(), ["30", "installer"]);
      const status = await world.wine.call(world.agent, "status");
      assert.match(status, /Passed over: Group Policy: interval_s is no whole number/);
    });

    test("a token is never shown", async () => {
      await world.wine.setValue(POLICIES, "EnrollToken", "pwe_secret");
      for (const flags of [[], ["--json"]]) {
        const status = await world.wine.call(world.agent, "status", ...flags);
        assert.match(status, /\(set\)/);
        assert.doesNotMatch(status, /pwe_secret/);
      }
    });
  });
