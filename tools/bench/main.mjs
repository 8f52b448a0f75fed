// Measures the server from end to end, over TLS, on this machine: server, Postgres and load share it.

import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { smallBenchmarks } from "./criterion.mjs";
import { Database } from "./database.mjs";
import { Probe, questions } from "./latency.mjs";
import { runLoad, startLoad } from "./load.mjs";
import { cpuOf, cpuOfPostgres, machine, memoryOf } from "./processes.mjs";
import { summary, write } from "./report.mjs";
import { Server } from "./server.mjs";
import { say, settings, sleep } from "./settings.mjs";

const VALUES = 10_000;

const freePort = () =>
  new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });

/** What was used up and made between two moments. */
class Meter {
  constructor(server, database) {
    this.read = () => ({
      server: cpuOf(server.pid),
      postgres: cpuOfPostgres(database.postmaster),
      wal: database.wal(),
      frames: database.frameBytes(),
      jobs: database.jobs(),
      made: database.hourFrames(),
    });
    this.before = this.read();
  }

  since(frames) {
    const now = this.read();
    const each = (name) => (now[name] - this.before[name]) / frames;
    const done = (job) => {
      const before = this.before.jobs.find(({ kind }) => kind === job.kind)?.done ?? 0;
      return { kind: job.kind, done: job.done - before, due: job.due };
    };
    return {
      serverUs: each("server") * 1e6,
      postgresUs: each("postgres") * 1e6,
      walPerValue: each("wal") / VALUES,
      bytesPerValue: each("frames") / VALUES,
      jobs: now.jobs.map(done),
      madePerFrame: each("made"),
    };
  }

  /** What it cost to make chunks, if nothing else was done: by the frame that an hour was made of. */
  chunks() {
    const frames = this.read().made - this.before.made;
    const { serverUs, postgresUs } = this.since(Math.max(frames, 1));
    return { frames, serverUs, postgresUs };
  }
}

/** Waits until no job is due and no hour waits to be made, for some minutes at most. */
async function settle(database) {
  const due = () => database.jobs().reduce((sum, job) => sum + job.due, database.dirtyHours());
  for (let left = 300; left > 0 && due() > 0; left -= 2) await sleep(2000);
}

async function backlog(server, database) {
  say(`a backlog of ${settings.backlog} frames of each of ${settings.hosts} hosts`);
  const meter = new Meter(server, database);
  const report = await runLoad(server, [
    ...["--hosts", `${settings.hosts}`, "--interval", "60", "--duration", "0"],
    ...["--backlog", `${settings.backlog}`, "--batch", "60", "--connections", "64"],
  ]);
  return { ...report, ...meter.since(report.backlog.count) };
}

/** Hosts with a week behind them, which has become chunks; their numbers come first. */
async function week(server, database) {
  say(`a week of frames of ${settings.weekHosts} hosts`);
  const report = await runLoad(server, [
    ...["--seed", "7", "--hosts", `${settings.weekHosts}`, "--interval", "60", "--duration", "0"],
    ...["--backlog", "10080", "--batch", "240", "--connections", "16"],
  ]);
  // Hours that are over, whatever the clock says now: what chunks cost is always measured.
  const meter = new Meter(server, database);
  await settle(database);
  return { ...report.backlog, chunks: meter.chunks() };
}

async function steady(server, database, asked) {
  say(`${settings.rate} snapshots/s for ${settings.seconds} s`);
  const load = startLoad(server, [
    ...["--hosts", `${settings.hosts}`, "--interval", `${settings.hosts / settings.rate}`],
    ...["--duration", `${settings.seconds}`, "--warm-up", `${Math.min(30, settings.seconds)}`],
    ...["--connections", `${settings.connections}`],
  ]);
  // A load that fails never measures.
  await Promise.race([load.measuring, load.report]);
  const meter = new Meter(server, database);
  const probe = new Probe(server, asked);
  const report = await load.report;
  const latencies = await probe.stop();
  return { ...report, ...meter.since(report.live.acknowledged), memory: memoryOf(server.pid), latencies };
}

async function ownConnections(server) {
  say(`a connection for each of ${settings.own} hosts`);
  const before = memoryOf(server.pid).now;
  const seconds = Math.min(30, settings.seconds);
  const load = startLoad(server, [
    ...["--hosts", `${settings.own}`, "--interval", `${Math.max(1, settings.own / settings.rate)}`],
    ...["--duration", `${seconds}`, "--connection-per-host"],
  ]);
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, memoryOf(server.pid).now)), 500);
  const report = await load.report.finally(() => clearInterval(watch));
  return { ...report, bytesPerConnection: ((most - before) * 1024 * 1024) / settings.own };
}

/** Kills the server while its hosts send every minute; tells when it knows all of them again. */
async function restart(server) {
  say("a restart");
  const interval = Math.min(60, settings.seconds);
  const load = startLoad(server, [
    ...["--hosts", `${settings.hosts}`, "--interval", `${interval}`, "--duration", `${3 * interval}`],
    ...["--connections", `${settings.connections}`],
  ]);
  await Promise.race([load.measuring, load.report]);
  await server.kill();
  const begun = Date.now();
  const seconds = () => (Date.now() - begun) / 1000;
  await server.start();
  const restarted = { serving: seconds(), heard: null, whole: null };
  const of = (text, name) => {
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? NaN);
  };
  let ended = false;
  const report = load.report.finally(() => (ended = true));
  while (!ended && restarted.whole === null) {
    await sleep(1000);
    const { body } = await server.get("/metrics");
    const whole = of(body, "poolwatch_fleet_hosts_in_memory") >= settings.hosts;
    const known = of(body, 'poolwatch_hosts{presence="reporting"}') >= settings.hosts;
    const stale = of(body, "poolwatch_fleet_hosts_stale");
    if (known && stale <= settings.weekHosts) restarted.heard ??= seconds();
    if (restarted.heard !== null && whole) restarted.whole = seconds();
  }
  const { live } = await report;
  return { ...restarted, acknowledged: live.acknowledged };
}

async function measure(server) {
  const started = await server.start();
  server.enrolment = server.admin("enrolment", "--auto-approve");
  server.token = server.admin("api");
  const database = new Database(server.data);
  const figures = { machine: machine(), date: new Date().toISOString(), started };
  if (settings.weekHosts > 0) figures.week = await week(server, database);
  // Last, so that the hours of all hosts become chunks while the steady load is measured.
  if (settings.backlog > 0) figures.backlog = await backlog(server, database);
  const weekHost = Math.ceil(settings.weekHosts / 2);
  const host = settings.weekHosts + Math.ceil(settings.hosts / 2);
  const asked = questions({ host, weekHost, tag: "Thre" });
  figures.steady = await steady(server, database, asked);
  say("waiting for the jobs that are due");
  const meter = new Meter(server, database);
  await settle(database);
  const frames = (figures.backlog?.backlog.count ?? 0) + (figures.week?.count ?? 0);
  figures.afterwards = meter.since(frames || 1);
  figures.chunks = database.chunkBytes();
  figures.memory = memoryOf(server.pid);
  if (settings.own > 0) figures.own = await ownConnections(server);
  figures.restart = await restart(server);
  return figures;
}

const folder = settings.folder ?? mkdtempSync(join(tmpdir(), "poolwatch-bench."));
mkdirSync(folder, { recursive: true });
chmodSync(folder, 0o711);
const server = new Server(folder, await freePort());
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => server.stop().then(() => process.exit(1)));
}
try {
  const small = settings.criterion ? smallBenchmarks() : [];
  const figures = await measure(server);
  write({ ...figures, small });
  await server.stop();
  if (!settings.folder) rmSync(folder, { recursive: true });
  console.log(JSON.stringify(summary(figures)));
} catch (error) {
  await server.stop();
  say(`${error.message}; the logs are in ${folder}`);
  process.exit(1);
}
