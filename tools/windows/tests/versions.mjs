// Both programs on Windows 7 and on Windows 10, as Wine plays them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { Wine } from "./wine.mjs";

const VERSIONS = { win7: /Windows .* 6\.1\.\d+/, win10: /Windows .* 10\.0\.\d+/ };

export default (world) =>
  describe("versions of Windows", () => {
    const measures = async (wine, version, said) => {
      const folder = path.join(wine.env.WINEPREFIX, "drive_c", "versions");
      mkdirSync(folder, { recursive: true });
      await wine.call("winecfg", "-v", version);
      await wine.run("wineboot", "-u");
      const report = path.join(folder, "report.txt");
      rmSync(report, { force: true });
      // Wine has no pool tags: some checks say so, and none may be bad for a layout.
      await wine.run("C:\\versions\\agent.exe", "selftest", "--report", "C:\\versions\\report.txt");
      const text = readFileSync(report, "utf8");
      assert.match(text, said);
      assert.doesNotMatch(text, /cut short|points outside|cannot be|ends after/, text);
      const snapshot = JSON.parse(await wine.call("C:\\versions\\agent.exe", "snapshot", "--json")).snapshot;
      const own = snapshot.processes.find((process) => process.image === "agent.exe");
      assert.ok(own?.threads > 0, JSON.stringify(snapshot.processes));
      assert.ok(snapshot.memory.physical > 1 << 28, JSON.stringify(snapshot.memory));
      assert.ok(snapshot.object_types.some((type) => type.name === "Thread"), "object types");
    };
    const bring = (wine, exe) => {
      const folder = path.join(wine.env.WINEPREFIX, "drive_c", "versions");
      mkdirSync(folder, { recursive: true });
      copyFileSync(exe, path.join(folder, "agent.exe"));
    };

    for (const [version, said] of Object.entries(VERSIONS)) {
      test(`the x64 program measures ${version}`, async () => {
        bring(world.wine, world.exe);
        await measures(world.wine, version, said);
      });
      test(`the x86 program measures 32-bit ${version}`, async () => {
        const wine = new Wine(world.prefix32, "win32");
        bring(wine, world.exeX86);
        try {
          await measures(wine, version, said);
        } finally {
          await wine.stop();
        }
      });
    }

    test("the x86 program refuses 64-bit Windows and says what to install", async () => {
      copyFileSync(world.exeX86, path.join(world.run, "wine", "drive_c", "versions", "x86.exe"));
      const { code, stderr } = await world.wine.run("C:\\versions\\x86.exe", "snapshot");
      assert.notEqual(code, 0);
      assert.match(stderr, /install the x64 agent/);
    });
  });
