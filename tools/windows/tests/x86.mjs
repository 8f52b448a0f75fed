// The x86 program, as Wine's experimental way to run 32-bit programs plays it: on a 64-bit Windows, so that
// all of it runs but what asks the kernel.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Wine, until, windowsPath } from "./wine.mjs";

const CAPTURE = windowsPath(path.join(import.meta.dirname, "../../../agent/tests/fixtures/small.pwcap"));
const PROGRAM = "C:\\agent\\poolwatch-agent.exe";

export default (world) =>
  describe("the x86 program", { skip: !world.wow64 && "Wine's libraries for i386 cannot be had here" }, () => {
    const prefix = path.join(world.run, "wow64");
    const wine = new Wine(prefix, { WINEDLLPATH: world.wow64 });
    after(() => wine.stop());

    test("it runs, and says which agent belongs on a 64-bit Windows", async () => {
      mkdirSync(path.join(prefix, "drive_c", "agent"));
      copyFileSync(world.exeX86, path.join(prefix, "drive_c", "agent", "poolwatch-agent.exe"));
      assert.match(await wine.call(PROGRAM, "--version"), /^poolwatch-agent \d+\.\d+\.\d+/);
      const { code, stderr } = await wine.run(PROGRAM, "snapshot", "--json");
      assert.notEqual(code, 0);
      assert.match(stderr, /this Windows is 64-bit: install the x64 agent/);
    });

    test("it reads a capture as the x64 program does, and finds nothing wrong with it", async () => {
      const read = async (at, program) =>
        JSON.parse(await at.call(program, "snapshot", "--json", "--replay", CAPTURE)).snapshot;
      assert.deepEqual(await read(wine, PROGRAM), await read(world.wine, world.agent));
      assert.match(await wine.call(PROGRAM, "selftest", "--replay", CAPTURE), /\n\d+ good, \d+ not available, 0 bad/);
    });

    test("it enrols and sends by TLS", async () => {
      const { code, stderr } = await wine.run(PROGRAM, "run", "--once", "--replay", CAPTURE, "--server-url",
        world.server.url, "--enroll-token", world.server.enrolToken, "--ca-file", world.caFile,
        "--spool-dir", "C:\\spool");
      assert.equal(code, 0, stderr);
      await until("its host is in the fleet", async () =>
        (await world.server.hosts()).some(({ facts, at }) => facts.fqdn === "fs-02.example.net" && at));
    });
  });
