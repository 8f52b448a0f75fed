// A host joins by HTTPS with a private authority, and is seen.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import path from "node:path";
import { collectCosts } from "./cost.mjs";
import { INTERVAL_S } from "./server.mjs";
import { until, windowsPath } from "./wine.mjs";

const NOT_AVAILABLE = 0xc0000003;

export default (world) =>
  describe("enrolment", () => {
    test("a server whose authority is another one is refused", async () => {
      const other = windowsPath(path.join(import.meta.dirname, "other-ca.pem"));
      const { code, stderr } = await world.wine.run(world.agent, "run", "--once", "--server-url",
        world.server.url, "--enroll-token", world.server.enrolToken, "--ca-file", other,
        "--spool-dir", "C:\\refused");
      assert.notEqual(code, 0);
      assert.match(stderr, /invalid peer certificate: UnknownIssuer/);
      assert.deepEqual(await world.server.hosts(), []);
    });

    test("without a file of authorities, a private one is not trusted", async () => {
      const { code, stderr } = await world.wine.run(world.agent, "run", "--once", "--server-url",
        world.server.url, "--enroll-token", world.server.enrolToken, "--spool-dir", "C:\\refused");
      assert.notEqual(code, 0);
      assert.match(stderr, /certificate/);
      assert.deepEqual(await world.server.hosts(), []);
    });

    test("a host enrols and is on the fleet's list", async () => {
      world.measured = world.wine.start(world.agent, "run", "--server-url", world.server.url,
        "--enroll-token", world.server.enrolToken, "--ca-file", world.caFile,
        "--spool-dir", "C:\\measured");
      const [host] = await until("the host is heard", async () => {
        const hosts = await world.server.hosts();
        return hosts.length > 0 && hosts[0].at ? hosts : null;
      }).catch((error) => assert.fail(`${error.message}\n${world.measured.stderr}`));
      world.host = host.id;
      world.collected = collectCosts(world);
      assert.match(host.facts.agent_version, /^\d+\.\d+\.\d+$/);
    });

    test("its page shows a program with the handles that it holds", async () => {
      const { snapshot } = await world.server.get(`/api/v1/hosts/${world.host}`);
      const holder = snapshot.processes.find((process) => process.image === "holder.exe");
      assert.ok(holder, "the program is among the processes");
      assert.ok(holder.handles >= world.held, `${holder.handles} handles`);

      const page = await world.server.get(`/hosts/${world.host}`);
      const rows = page.split("<tr").filter((row) => row.includes("holder.exe"));
      assert.equal(rows.length, 1);
      const cells = rows[0].match(/<td class="num"[^>]*>[^<]*/g).map((cell) => {
        return Number(cell.replace(/.*>/, "").replace(/\D/g, ""));
      });
      assert.ok(cells[0] >= world.held, rows[0]);
    });

    test("what Wine does not give is not available, and the rest goes on", async () => {
      const { snapshot } = await world.server.get(`/api/v1/hosts/${world.host}`);
      const tags = snapshot.faults.find((fault) => fault.collector === "pool_tags");
      assert.equal(tags?.status, NOT_AVAILABLE);
      assert.ok(snapshot.memory.physical > 0, JSON.stringify(snapshot.memory));
    });

    test("the interval is the server's, and status says so", async () => {
      const status = await world.wine.call(world.agent, "status", "--json", "--spool-dir", "C:\\measured");
      const said = { value: String(INTERVAL_S), source: "server" };
      assert.deepEqual(JSON.parse(status).settings.interval_s, said);
    });

    test("the enrolment token and the host's key are in no log", () => {
      assert.ok(!world.measured.stderr.includes(world.server.enrolToken));
      assert.doesNotMatch(world.measured.stderr, /pwh_/);
    });
  });
