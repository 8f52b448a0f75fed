// The agent as a Windows service, made by its own command.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chmodSync, cpSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { until } from "./wine.mjs";

const SERVICE = "PoolwatchAgent";
const SERVICES = `HKLM\\System\\CurrentControlSet\\Services\\${SERVICE}`;
const INSTALLER = "HKLM\\SOFTWARE\\Poolwatch\\Agent";
const STOPS_WITHIN_MS = 5000;
// With a blank, as most programs of Windows have.
const FOLDER = "C:\\Program Files\\Poolwatch by hand";

export default (world) =>
  describe("service", () => {
    const program = `${FOLDER}\\poolwatch-agent.exe`;
    const status = async () => JSON.parse(await world.wine.call(world.agent, "status", "--json"));
    let host;

    test("a program that every user could replace becomes no service", async () => {
      const drive = path.join(world.run, "wine", "drive_c");
      const folder = path.join(drive, "open to all");
      cpSync(path.join(drive, "agent"), folder, { recursive: true });
      chmodSync(folder, 0o777);
      const { code, stderr } = await world.wine.run("C:\\open to all\\poolwatch-agent.exe", "service", "install");
      assert.notEqual(code, 0);
      assert.match(stderr, /copy the program to a folder that only administrators may write.*others than administrators may write it/);
      assert.equal(await world.wine.serviceState(SERVICE), null);
    });

    test("it is installed with its settings, its path in quotes, and starts", async () => {
      const drive = path.join(world.run, "wine", "drive_c");
      cpSync(path.join(drive, "agent"), path.join(drive, "Program Files", "Poolwatch by hand"), {
        recursive: true,
      });
      await world.wine.call(program, "service", "install", "--server-url", world.server.url,
        "--enroll-token", world.server.enrolToken, "--ca-file", world.caFile);
      const command = await world.wine.value(SERVICES, "ImagePath");
      assert.equal(command, `"${program}" service run`);
      assert.equal(await world.wine.value(SERVICES, "Start"), "0x2");
      assert.equal(await world.wine.serviceState(SERVICE), "RUNNING");
    });

    test("it enrols and sends", async () => {
      host = await until("the service has enrolled", async () => (await status()).host_id);
      assert.notEqual(host, world.host);
      // No rule approves a second host of the same machine; one that waits asks again at its start.
      world.server.approve(host);
      await world.wine.call("net", "stop", SERVICE);
      await world.wine.call("net", "start", SERVICE);
      const seen = await until("its snapshot is there", async () => {
        const { snapshot } = await world.server.get(`/api/v1/hosts/${host}`).catch(() => ({}));
        return snapshot;
      });
      assert.ok(seen.processes.some((process) => process.image === "poolwatch-agent.exe"));
    });

    test("it answers whoever asks how it is", async () => {
      const told = await until("the service tells of its upload", async () => {
        const told = await status();
        return told.by_service && told.uploads.last_upload ? told : null;
      });
      assert.equal(told.host_id, host);
      assert.equal(told.uploads.last_failure, null);
      assert.deepEqual(told.settings.server_url, { value: world.server.url, source: "installer" });
      assert.match(told.trusts, /^only the authorities in/);
      assert.ok(!JSON.stringify(told).includes(world.server.enrolToken));
      const text = await world.wine.call(world.agent, "status");
      assert.match(text, /Last upload: .*Proxy: none.*Spool:/s);
    });

    test("it stops within 5 s, however often it is told to", async () => {
      // A program of Wine takes long to start on a busy machine, and is none of the service.
      let began = performance.now();
      await world.wine.serviceState(SERVICE);
      const asking = performance.now() - began;
      began = performance.now();
      await Promise.all([0, 1, 2].map(() => world.wine.run("sc", "stop", SERVICE)));
      await until("the service has stopped", async () => {
        return (await world.wine.serviceState(SERVICE)) === "STOPPED";
      });
      const took = performance.now() - began - 4 * asking;
      assert.ok(took < STOPS_WITHIN_MS, `it took ${took} ms`);
      const log = path.join(world.run, "wine/drive_c/ProgramData/Poolwatch/agent.log");
      assert.match(readFileSync(log, "utf8").trimEnd().split("\n").slice(-3).join("\n"), /Stopped/);
    });

    test("after the next start it is the same host", async () => {
      const at = async () => (await world.server.get(`/api/v1/hosts/${host}`)).at;
      const before = await until("its latest snapshot is shown", at);
      await world.wine.call("net", "start", SERVICE);
      await until("it sends again", async () => (await at()) > before);
      assert.equal((await status()).host_id, host);
    });

    test("it is uninstalled; settings and spool stay", async () => {
      await world.wine.call(program, "service", "uninstall");
      assert.equal(await world.wine.serviceState(SERVICE), null);
      assert.equal(await world.wine.value(INSTALLER, "ServerUrl"), world.server.url);
      const spool = path.join(world.run, "wine/drive_c/ProgramData/Poolwatch/spool");
      assert.ok(existsSync(path.join(spool, "identity.json")));
    });
  });
