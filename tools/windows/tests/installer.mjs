// The installer: first by policy alone, then with properties, repaired, upgraded and taken away.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { table } from "./packages.mjs";
import { until, windowsPath } from "./wine.mjs";

const SERVICE = "PoolwatchAgent";
const SERVICES = `HKLM\\System\\CurrentControlSet\\Services\\${SERVICE}`;
const POLICIES = "HKLM\\SOFTWARE\\Policies\\Poolwatch\\Agent";
const INSTALLER = "HKLM\\SOFTWARE\\Poolwatch\\Agent";
// With a password, as some are.
const PROXY = "http://somebody:hush@proxy.example.net:3128";
const PROGRAM = "C:\\Program Files\\Poolwatch\\poolwatch-agent.exe";

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
      until("the service runs", async () => {
        return (await world.wine.serviceState(SERVICE)) === "RUNNING";
      });

    const uninstallEntry = async () => {
      const { stdout } = await world.wine.run("reg", "query",
        "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall", "/s");
      return stdout;
    };

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
      await until("the host has enrolled", async () => {
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
        `ENROLL_TOKEN=${world.server.enrolToken}`, `CA_FILE=${world.caFile}`, `PROXY=${PROXY}`,
        "LABELS=berlin,web", "INTERVAL=45");
      await runs();
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
      assert.deepEqual(await setting("labels"), ["berlin,web", "installer"]);
      assert.deepEqual(await setting("interval_s"), ["45", "installer"]);
      assert.equal(await world.wine.value(INSTALLER, "Proxy"), PROXY);
      assert.deepEqual(await setting("ca_file"), [world.caFile, "installer"]);
      assert.deepEqual(await setting("enroll_token"), ["(set)", "installer"]);
      await world.wine.setValue(POLICIES, "ServerUrl", "https://policy.example.net");
      assert.deepEqual(await setting("server_url"), ["https://policy.example.net", "policy"]);
      await world.wine.deleteKey(POLICIES);
    });

    test("a second run takes new values and keeps the others", async () => {
      await succeeds("/i", world.packages.first, "INTERVAL=50", "PROXY=none");
      await runs();
      assert.deepEqual(await setting("interval_s"), ["50", "installer"]);
      assert.deepEqual(await setting("server_url"), [world.server.url, "installer"]);
      assert.deepEqual(await setting("labels"), ["berlin,web", "installer"]);
      assert.equal(await world.wine.value(INSTALLER, "Proxy"), "none");
      const entry = await uninstallEntry();
      assert.match(entry, new RegExp(`HelpLink +REG_SZ +${world.server.url}/deploy`));
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
      const sequence = table(world.packages.second, "InstallExecuteSequence");
      const order = ["InstallInitialize", "RemoveExistingProducts", "InstallFiles", "InstallServices",
        "CompleteService", "StartServices", "InstallFinalize"];
      const numbers = order.map((action) => Number(sequence.get(action)[2]));
      assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), String(numbers));
      const kind = Number(table(world.packages.second, "CustomAction").get("CompleteService")[1]);
      assert.ok(kind & 0x400, "it is deferred: it runs inside the transaction");
      assert.ok(!(kind & 0xc0), "its failure is one of the installation, and is waited for");
    });

    test("an upgrade that fails says why in its log, and the next one has settings and host again", async () => {
      await succeeds("/x", world.packages.second);
      // Without a token: the host has its key, and Wine prints hidden properties too when something fails.
      const given = [`SERVER_URL=${world.server.url}`, `CA_FILE=${world.caFile}`, "INTERVAL=50"];
      await succeeds("/i", world.packages.first, ...given);
      await runs();
      const { host_id: host } = await status();
      const log = path.join(world.run, `msi-${logs.length}.log`);
      logs.push(log);
      const { code } = await world.wine.runIn(undefined, { POOLWATCH_CONFIG: "C:\\nowhere.toml" },
        "msiexec", "/i", windowsPath(world.packages.second), "/qn", "/l*v", windowsPath(log));
      assert.notEqual(code, 0);
      assert.match(readFileSync(log, "latin1"), /What the Poolwatch Agent had to do failed: .*cannot read C:\\nowhere\.toml/);
      assert.ok(existsSync(path.join(data, "spool", "identity.json")), "who the host is");
      // Windows has the old version running by now. Wine does not bring it back, so this is a new one.
      await world.wine.run("msiexec", "/x", windowsPath(world.packages.second), "/qn");
      await succeeds("/i", world.packages.second, ...given);
      await runs();
      assert.deepEqual(await setting("interval_s"), ["50", "installer"]);
      await until("it is the same host", async () => (await status()).host_id === host);
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

    test("with NOSTART the service waits for its first start, and not for a second", async () => {
      await succeeds("/i", world.packages.first, "NOSTART=1");
      assert.equal(await world.wine.serviceState(SERVICE), "STOPPED");
      await succeeds("/i", world.packages.first, "REINSTALL=ALL");
      assert.equal(await world.wine.serviceState(SERVICE), "STOPPED");
      await world.wine.call("net", "start", SERVICE);
      await until("it forgets that", async () => !(await world.wine.value(INSTALLER, "NoStart")));
      await succeeds("/i", world.packages.first, "REINSTALL=ALL");
      await runs();
      await succeeds("/x", world.packages.first);
    });

    test("a transform of the console sets what it was made with, through repair and upgrade", async () => {
      const kit = await world.server.kit(path.join(world.run, "transform"), {
        token: world.server.enrolToken, labels: "file server,berlin", interval_s: "40",
      });
      const transform = `TRANSFORMS=${windowsPath(path.join(kit, "poolwatch.mst"))}`;
      const expected = {
        server_url: world.server.url, enroll_token: "(set)", interval_s: "40",
        ca_file: "C:\\ProgramData\\Poolwatch\\ca.pem", labels: "berlin,file server",
      };
      const holds = async () => {
        await runs();
        for (const [name, value] of Object.entries(expected)) {
          assert.deepEqual(await setting(name), [value, "installer"], name);
        }
        assert.equal(await world.wine.value(INSTALLER, "EnrollToken"), world.server.enrolToken);
      };
      await succeeds("/i", world.packages.first, transform);
      await holds();
      rmSync(path.join(drive, "Program Files", "Poolwatch", "poolwatch-agent.exe"));
      await succeeds("/i", world.packages.first, "REINSTALL=ALL", "REINSTALLMODE=amus");
      await holds();
      await succeeds("/i", world.packages.second);
      await holds();
      // What is typed wins over the transform.
      await succeeds("/i", world.packages.second, transform, "INTERVAL=55");
      assert.deepEqual(await setting("interval_s"), ["55", "installer"]);
      await succeeds("/x", world.packages.second);
    });

    test("an installation that fails says why in its log and leaves no service", async () => {
      const log = path.join(world.run, `msi-${logs.length}.log`);
      logs.push(log);
      // A settings file that is named and is not there: the agent's set-up fails, and says so.
      const { code } = await world.wine.runIn(undefined, { POOLWATCH_CONFIG: "C:\\nowhere.toml" },
        "msiexec", "/i", windowsPath(world.packages.first), "/qn", "/l*v", windowsPath(log));
      assert.notEqual(code, 0);
      const text = readFileSync(log, "latin1");
      assert.match(text, /Poolwatch Agent: .*cannot read C:\\nowhere\.toml/);
      assert.match(text, /What the Poolwatch Agent had to do failed: .*nowhere\.toml/);
      await world.wine.run("msiexec", "/x", windowsPath(world.packages.first), "/qn");
      assert.notEqual(await world.wine.serviceState(SERVICE), "RUNNING");
    });

    test("token and proxy are in no log of the installer", () => {
      assert.ok(logs.length >= 15);
      for (const log of logs) {
        // Wine writes in one byte a character, Windows in two.
        for (const encoding of ["latin1", "utf16le"]) {
          const text = readFileSync(log, encoding);
          assert.ok(!text.includes(world.server.enrolToken), log);
          assert.ok(!text.includes(PROXY), log);
        }
      }
    });
  });
