// The installer: first by policy alone, then with properties, repaired, upgraded and taken away.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, describe, test } from "node:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { until, windowsPath } from "./wine.mjs";

const SERVICE = "PoolwatchAgent";
const SERVICES = `HKLM\\System\\CurrentControlSet\\Services\\${SERVICE}`;
const POLICIES = "HKLM\\SOFTWARE\\Policies\\Poolwatch\\Agent";
const INSTALLER = "HKLM\\SOFTWARE\\Poolwatch\\Agent";
const PROGRAM = "C:\\Program Files\\Poolwatch\\poolwatch-agent.exe";
// Settings are looked at once a minute.
const TAKES_POLICY_WITHIN_S = 100;

export default (world) =>
  describe("installer", () => {
    const drive = path.join(world.run, "wine", "drive_c");
    const data = path.join(drive, "ProgramData", "Poolwatch");
    const logs = [];
    // Runs the installer unattended; its log is kept for the test that no token is in one.
    const msiexec = async (how, file, ...properties) => {
      const log = path.join(world.run, `msi-${logs.length}.log`);
      logs.push(log);
      const { code } = await world.wine.run("msiexec", how, windowsPath(file), "/qn", "/l*v",
        windowsPath(log), ...properties);
      assert.ok(existsSync(log), `msiexec ${how} wrote no log`);
      return code;
    };
    const succeeds = async (...args) => {
      const code = await msiexec(...args);
      assert.equal(code, 0, readFileSync(logs.at(-1)).toString("latin1"));
    };
    const status = async () => JSON.parse(await world.wine.call(PROGRAM, "status", "--json"));
    const setting = async (name) => {
      const told = await world.wine.call(PROGRAM, "status", "--json", "--local");
      const { value, source } = JSON.parse(told).settings[name];
      return [value, source];
    };
    const runs = () =>
      until("the service runs", 30, async () => {
        return (await world.wine.serviceState(SERVICE)) === "RUNNING";
      });

    after(() => world.wine.deleteKey(POLICIES));

    test("without any property the service runs and waits for its settings", async () => {
      rmSync(data, { recursive: true, force: true });
      await world.wine.deleteKey(INSTALLER);
      await succeeds("/i", world.packages.first);
      await runs();
      assert.equal(await world.wine.value(SERVICES, "ImagePath"), `"${PROGRAM}" service run`);
      assert.deepEqual(await setting("server_url"), [null, "default"]);
      const source = "HKLM\\System\\CurrentControlSet\\Services\\EventLog\\Application\\PoolwatchAgent";
      const messages = await world.wine.value(source, "EventMessageFile");
      assert.equal(messages, "C:\\Program Files\\Poolwatch\\poolwatch-messages.dll");
    });

    test("what a policy says then is taken without a restart", async () => {
      await world.wine.setValue(POLICIES, "ServerUrl", world.server.url);
      await world.wine.setValue(POLICIES, "EnrollToken", world.server.enrolToken);
      await world.wine.setValue(POLICIES, "CaFile", world.caFile);
      assert.deepEqual(await setting("server_url"), [world.server.url, "policy"]);
      await until("the host has enrolled", TAKES_POLICY_WITHIN_S, async () => {
        return (await status()).host_id;
      });
    });

    test("it is uninstalled whole, but for the host's identity and what waits", async () => {
      await succeeds("/x", world.packages.first);
      assert.equal(await world.wine.serviceState(SERVICE), null);
      assert.ok(!existsSync(path.join(drive, "Program Files", "Poolwatch")), "the program's folder");
      assert.ok(!(await world.wine.hasKey(INSTALLER)), "the installer's settings");
      assert.ok(existsSync(path.join(data, "spool", "identity.json")));
    });

    test("properties become settings, below those of policies", async () => {
      await world.wine.deleteKey(POLICIES);
      await succeeds("/i", world.packages.first, `SERVER_URL=${world.server.url}`,
        `ENROLL_TOKEN=${world.server.enrolToken}`, `CA_FILE=${world.caFile}`);
      await runs();
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
      assert.deepEqual(await setting("ca_file"), [world.caFile, "installer"]);
      assert.deepEqual(await setting("enroll_token"), ["(set)", "installer"]);
      await world.wine.setValue(POLICIES, "ServerUrl", "https://policy.example.net");
      assert.deepEqual(await setting("server_url"), ["https://policy.example.net", "policy"]);
      await world.wine.deleteKey(POLICIES);
    });

    test("a repair brings the program back and keeps the settings", async () => {
      await world.wine.call("net", "stop", SERVICE);
      rmSync(path.join(drive, "Program Files", "Poolwatch", "poolwatch-agent.exe"));
      // What /fa stands for; Wine knows it only spelled out.
      await succeeds("/i", world.packages.first, "REINSTALL=ALL", "REINSTALLMODE=amus");
      await runs();
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
      assert.deepEqual(await setting("enroll_token"), ["(set)", "installer"]);
    });

    test("an upgrade keeps the settings and the host", async () => {
      const { host_id: host } = await status();
      await succeeds("/i", world.packages.second);
      await runs();
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
      assert.deepEqual(await setting("ca_file"), [world.caFile, "installer"]);
      assert.deepEqual(await setting("enroll_token"), ["(set)", "installer"]);
      assert.equal((await status()).host_id, host);
      assert.equal(await world.wine.value(SERVICES, "ImagePath"), `"${PROGRAM}" service run`);
    });

    // Wine does not undo a removal; what Windows needs to do so can be seen in the package.
    test("an upgrade that fails can be undone: it is one transaction, with the old version in it", () => {
      const table = (name) => {
        const text = execFileSync("msiinfo", ["export", world.packages.second, name], { encoding: "utf8" });
        return new Map(text.split(/\r?\n/).slice(3).map((line) => [line.split("\t")[0], line.split("\t")]));
      };
      const sequence = table("InstallExecuteSequence");
      const order = ["InstallInitialize", "RemoveExistingProducts", "InstallFiles", "InstallServices",
        "CompleteService", "StartServices", "InstallFinalize"];
      const numbers = order.map((action) => Number(sequence.get(action)[2]));
      assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), String(numbers));
      const kind = Number(table("CustomAction").get("CompleteService")[1]);
      assert.ok(kind & 0x400, "it is deferred: it runs inside the transaction");
      assert.ok(!(kind & 0xc0), "its failure is one of the installation, and is waited for");
    });

    test("a downgrade is refused and changes nothing", async () => {
      assert.notEqual(await msiexec("/i", world.packages.first), 0);
      assert.equal(await world.wine.serviceState(SERVICE), "RUNNING");
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
    });

    test("after the last uninstall nothing of the installer is left", async () => {
      await succeeds("/x", world.packages.second);
      assert.equal(await world.wine.serviceState(SERVICE), null);
      assert.ok(!existsSync(path.join(drive, "Program Files", "Poolwatch")), "the program's folder");
      assert.ok(!(await world.wine.hasKey(INSTALLER)), "the installer's settings");
    });

    test("the token is in no log of the installer", () => {
      assert.ok(logs.length >= 7);
      for (const log of logs) {
        // Wine writes in one byte a character, Windows in two.
        for (const encoding of ["latin1", "utf16le"]) {
          assert.ok(!readFileSync(log, encoding).includes(world.server.enrolToken), log);
        }
      }
    });
  });
