// A domain from nothing: policy template, Group Policy object, task and package bring a host to the fleet,
// by the steps of docs/deploy-gpo.md.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SHARE, UNIT, asRoot } from "./domain.mjs";
import { until, windowsPath } from "./wine.mjs";

const OBJECT = "Poolwatch";
const POLICIES = "HKLM\\SOFTWARE\\Policies\\Poolwatch\\Agent";
const PROGRAM = "C:\\Program Files\\Poolwatch\\poolwatch-agent.exe";
const SERVICE = "PoolwatchAgent";
// What each policy is set to, and what status then says.
const ALL = {
  ServerUrl: ["https://pool.example.net:8443", "server_url"],
  EnrollToken: ["pwe_policy", "enroll_token", "(set)"],
  CaFile: ["C:\\ProgramData\\Poolwatch\\ca.pem", "ca_file"],
  AllowHttp: ["disabled", "allow_http", "false"],
  Proxy: ["http://proxy.example.net:3128", "proxy", "(set)"],
  Labels: ["berlin,web", "labels"],
  IntervalSeconds: ["90", "interval_s"],
  SpoolFolder: ["C:\\ProgramData\\Poolwatch\\other", "spool_dir"],
  SpoolMaxMegabytes: ["64", "spool_max_mb"],
  Collectors: ["processes,handles", "collectors"],
  ListHandlesMost: ["5000", "list_handles_most"],
  RestartServices: ["BadApp,Other", "restart_services"],
  RestartHandles: ["2000", "restart_handles"],
  RestartQuotaPercent: ["60", "restart_quota_percent"],
  RestartAfterMinutes: ["30", "restart_after_minutes"],
  RestartPeriodHours: ["12", "restart_period_hours"],
};

export default (world) =>
  describe("directory", () => {
    const drive = path.join(world.run, "wine", "drive_c");
    const data = path.join(drive, "ProgramData", "Poolwatch");
    const local = path.join(world.run, "computer");
    const small = path.join(world.run, "small");
    const set = (...values) => world.domain.policy("set", OBJECT, ...values);
    let object;

    // What Windows does at a refresh: asks the directory as the computer, and writes what applies.
    const refresh = async () => {
      const applied = await world.domain.policy("apply", local);
      await world.wine.call("reg", "import", windowsPath(path.join(local, "policy.reg")));
      return applied;
    };
    const settings = async () => JSON.parse(await world.wine.call(world.agent, "status", "--json", "--local"));
    // What the service says, once something holds. A look that fails, as while it is exchanged, is repeated.
    const waitFor = (what, holds) => {
      let seen = "nothing";
      return until(what, async () => {
        const { code, stdout, stderr } = await world.wine.run(PROGRAM, "status", "--json");
        seen = code === 0 ? stdout : `it ended with ${code}\n${stderr}`;
        const now = code === 0 && JSON.parse(stdout);
        return now && holds(now) && now;
      }).catch((error) => assert.fail(`${error.message}\n${seen}`));
    };

    before(async () => {
      mkdirSync(local);
      mkdirSync(small);
      rmSync(data, { recursive: true, force: true });
      // The machine is the domain's computer from here on, and none that the fleet knows.
      const network = "HKLM\\System\\CurrentControlSet\\Services\\Tcpip\\Parameters";
      await world.wine.setValue(network, "Hostname", "host1");
      await world.wine.setValue(network, "Domain", "pool.test");
      await world.wine.setValue("HKLM\\SOFTWARE\\Microsoft\\Cryptography", "MachineGuid", randomUUID());
      await world.domain.started;
    });
    after(async () => {
      await world.wine.deleteKey(POLICIES);
      asRoot("umount", "--lazy", small);
    });

    test("the template goes into the central store, in both languages", async () => {
      world.kit = await world.server.kit(path.join(world.run, "kit"),
        { share: SHARE, spread_minutes: "0" });
      await world.domain.samba("gpo", "admxload", `--admx-dir=${world.kit}/PolicyDefinitions`);
      const listed = await world.domain.list("pool.test/Policies/PolicyDefinitions");
      assert.match(listed, /Poolwatch\.admx/);
      assert.equal(listed.match(/Poolwatch\.adml/g).length, 2);
      assert.match(listed, /de-DE.*en-US/is);
    });

    test("every policy of a linked object reaches the host, and status says where it comes from", async () => {
      await world.domain.samba("ou", "create", "OU=Fleet");
      await world.domain.samba("computer", "move", "HOST1", UNIT);
      object = (await world.domain.samba("gpo", "create", OBJECT)).match(/\{.*\}/)[0];
      await world.domain.samba("gpo", "setlink", UNIT, object);
      await set(...Object.entries(ALL).map(([name, [value]]) => `${name}=${value}`));
      await world.domain.samba("gpo", "aclcheck");
      assert.match(await refresh(), /^Poolwatch$/m);
      const { settings: now } = await settings();
      const expected = Object.values(ALL).map(([set, name, shown = set]) => {
        return [name, { value: shown, source: "policy" }];
      });
      assert.deepEqual(Object.entries(now).sort(), expected.sort());
    });

    test("the editor takes nothing out of bounds, and what gets past it is passed over with a word", async () => {
      await assert.rejects(set("IntervalSeconds=5"), /the editor takes 10 to 3600/);
      await set("IntervalSeconds:dword=5", "ServerUrl:sz=pool.example.net", "SpoolMaxMegabytes:sz=much",
        "Collectors:sz=registry", "AllowHttp:dword=7", "CaFile:sz=ca.pem");
      await refresh();
      const { settings: now, problems } = await settings();
      for (const [name, value] of [["interval_s", "60"], ["server_url", null], ["spool_max_mb", "256"], ["allow_http", "false"], ["ca_file", null]]) {
        assert.deepEqual(now[name], { value, source: "default" }, name);
      }
      assert.match(problems.join("\n"), new RegExp([
        "server_url is no address", "ca_file is no absolute path: ca.pem",
        "allow_http is neither true nor false", "interval_s is no whole number from 10 to 3600",
        "spool_max_mb is no whole number from 8 to 10240", "collectors names a collector",
      ].map((said) => `Group Policy: ${said}`).join("[^]*")));
    });

    test("where the object is not linked, the defaults hold again", async () => {
      await world.domain.samba("gpo", "dellink", UNIT, object);
      assert.doesNotMatch(await refresh(), /^Poolwatch$/m);
      const { settings: now, problems } = await settings();
      assert.deepEqual(problems, []);
      assert.ok(Object.values(now).every(({ source }) => source === "default"), JSON.stringify(now));
    });

    test("the task of the console is read by the computer as it was put, and installs by its command", async () => {
      for (const name of ["install.cmd", "poolwatch.mst", "ca.pem"]) {
        copyFileSync(path.join(world.kit, name), path.join(world.domain.share, name));
      }
      copyFileSync(world.packages.current, path.join(world.domain.share, path.basename(world.packages.current)));
      // A policy with every fault that the service has to wait for, one after the other.
      asRoot("mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "none", small);
      writeFileSync(path.join(small, "other"), Buffer.alloc(256 << 10));
      copyFileSync(path.join(import.meta.dirname, "other-ca.pem"), path.join(local, "other.pem"));
      await set(...Object.keys(ALL).map((name) => `${name}=`));
      await set(`ServerUrl=${world.server.url}`, "EnrollToken=pwe_mistyped",
        `CaFile=${windowsPath(path.join(local, "other.pem"))}`,
        `SpoolFolder=${windowsPath(path.join(small, "spool"))}`);
      const task = path.join(world.kit, "ScheduledTasks.xml");
      await world.domain.policy("put", OBJECT, task);
      await world.domain.samba("gpo", "setlink", UNIT, object);
      await refresh();
      const read = readFileSync(path.join(local, "ScheduledTasks.xml"), "utf8");
      assert.equal(read, readFileSync(task, "utf8"));

      const files = path.join(drive, "files");
      mkdirSync(files, { recursive: true });
      await world.domain.policy("fetch", "deploy$", files);
      const [, command] = read.match(/<Command>(.*)<\/Command>/);
      const [, told] = read.match(/<Arguments>(.*)<\/Arguments>/);
      assert.equal(told, `/c ${SHARE}\\install.cmd 0`);
      // Wine runs no batch file of a share: the same files, as the computer read them, stand for it.
      const args = told.replace(SHARE, "C:\\files").split(" ");
      assert.equal((await world.wine.run(command, ...args)).code, 0);
      assert.match(installLog(), /installed/);
      await until("the service runs", async () => {
        return (await world.wine.serviceState(SERVICE)) === "RUNNING";
      });
      // Once more, as the next refresh would: nothing is done.
      const before = installLog();
      assert.equal((await world.wine.run(command, ...args)).code, 0);
      assert.equal(installLog(), before);
    });

    const installLog = () => readFileSync(path.join(drive, "windows", "temp", "poolwatch-install.log"), "latin1");

    test("a full disk is told of, and is waited for", async () => {
      await waitFor("the full disk", ({ trouble }) => /nothing can be kept in .*small.*os error 112/.test(trouble));
      const text = await world.wine.call(PROGRAM, "status");
      assert.match(text, /Waits: nothing can be kept in/);
      rmSync(path.join(small, "other"));
    });

    test("another authority is told of with what to do", async () => {
      await waitFor("the other authority", ({ uploads }) => {
        return /UnknownIssuer; set ca_file to a copy of that server's ca\.pem/.test(uploads?.last_failure);
      });
      await set("CaFile=C:\\ProgramData\\Poolwatch\\ca.pem");
      await refresh();
    });

    test("a token that is not valid is told of with what to do", async () => {
      await waitFor("the mistyped token", ({ uploads }) => {
        return /does not take the enrolment token: It is mistyped, or of another server\. Make one on the page Deploy agents/.test(uploads?.last_failure);
      });
      await set(`EnrollToken=${world.server.expiredToken()}`);
      await refresh();
    });

    test("a token that has expired is told of in status and in the logs; the object alone mends it", async () => {
      const said = "does not take the enrolment token: It has expired. Make one on the page Deploy agents";
      await waitFor("the expired token", ({ uploads }) => uploads?.last_failure?.includes(said));
      // What goes to the Application log, which Wine does not keep, goes to the agent's own as well.
      const log = path.join(data, "agent.log");
      await until("both logs have it", () => readFileSync(log, "utf8").includes(`Nothing can be sent: Enrolment failed: the server ${said}`))
        .catch((error) => assert.fail(`${error.message}\n${readFileSync(log, "utf8")}`));
      assert.ok(!readFileSync(log, "utf8").includes("pwe_"), "a token is in the log");
      await set(`EnrollToken=${world.server.enrolToken}`);
      await refresh();
    });

    test("with the object mended the host is on the Fleet page, with nothing typed on it", async (t) => {
      const began = performance.now();
      const { host_id: host } = await waitFor("the host has enrolled", (now) => now.host_id);
      const took = (performance.now() - began) / 1000;
      t.diagnostic(`${took.toFixed(0)} s after the object was changed`);
      assert.ok(took < 60, `it took ${took} s`);
      const seen = await until("its snapshot is there", async () => {
        return (await world.server.hosts()).find(({ id, at }) => id === host && at);
      });
      assert.equal(seen.facts.fqdn.toLowerCase(), "host1.pool.test");
      assert.match(await world.server.get("/hosts"), new RegExp(`/hosts/${host}\\b`));
    });

    test("while another installation runs it is waited for; another failure is said in words", async () => {
      const busy = path.join(drive, "busy");
      mkdirSync(busy);
      copyFileSync(path.join(drive, "agent", "busy.exe"), path.join(busy, "msiexec.exe"));
      // The script leaves alone a host that has its version.
      const script = readFileSync(path.join(drive, "files", "install.cmd"), "latin1");
      writeFileSync(path.join(drive, "files", "other.cmd"),
        script.replace(/set "AGENT=.*"/, 'set "AGENT=C:\\nowhere.exe"'));
      writeFileSync(path.join(drive, "files", "older.cmd"),
        script.replace(/set "VERSION=.*"/, 'set "VERSION=0.0.9"'));
      const run = async (codes, name = "other") => {
        writeFileSync(path.join(busy, "codes"), codes);
        await world.wine.runIn(busy, { RETRY_SECONDS: "1" }, "cmd", "/c", `C:\\files\\${name}.cmd`, "0");
        return [readFileSync(path.join(busy, "codes"), "latin1").trim(), installLog().trim().split(/\r?\n/).at(-1)];
      };
      assert.match((await run("1618 1618 0 9 ")).join("|"), /^9\|.*installed/);
      assert.match((await run("1641 9 ")).join("|"), /^9\|.*installed/);
      assert.match((await run("7 ", "older")).join("|"), /^7\|.*installed/, "a later version stays");
      assert.match((await run("1603 9 ")).join("|"), /^9\|.*msiexec ended with 1603, try 1: .*poolwatch-msi\.log says why/);
    });

    test("uninstalled with PURGE it leaves nothing of the host", async () => {
      assert.ok(existsSync(data) && existsSync(path.join(small, "spool")));
      await world.wine.call("msiexec", "/x", windowsPath(world.packages.current), "/qn", "PURGE=1");
      assert.equal(await world.wine.serviceState(SERVICE), null);
      assert.ok(!existsSync(data), "the data folder");
      assert.ok(!existsSync(path.join(small, "spool")), "the folder of the policy");
    });
  });
