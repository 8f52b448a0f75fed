// The page that sets each figure beside its target.

import { writeFileSync } from "node:fs";
import { settings } from "./settings.mjs";

const VALUES = 10_000;
const round = (value, digits = 0) =>
  value === null || value === undefined ? "–" : Number(value).toLocaleString("en-US", { maximumFractionDigits: digits });

/** Processor time of a snapshot with an hour's share of chunks, however many were made meanwhile. */
function wholeUs({ steady, week }) {
  const chunkUs = week ? week.chunks.serverUs + week.chunks.postgresUs : 0;
  const { serverUs, postgresUs, madePerFrame } = steady;
  return serverUs + postgresUs + chunkUs * (1 - madePerFrame);
}

/** What scripts read. */
export function summary(figures) {
  const { steady, backlog, own, memory, restart, week } = figures;
  const { live } = steady;
  return {
    snapshots_per_s: Math.round(live.snapshots_per_s),
    cpu_us_per_snapshot: Math.round(wholeUs(figures)),
    chunks_cpu_us_per_snapshot: week ? Math.round(week.chunks.serverUs + week.chunks.postgresUs) : null,
    server_cpu_us_per_snapshot: Math.round(steady.serverUs),
    postgres_cpu_us_per_snapshot: Math.round(steady.postgresUs),
    bytes_per_value: Number(steady.bytesPerValue.toFixed(3)),
    wal_bytes_per_value: Number(steady.walPerValue.toFixed(3)),
    server_rss_mb: Math.round(memory.peak),
    acknowledged_p99_ms: Math.round(live.latency_ms.p99),
    behind: live.behind,
    backlog_frames_per_s: backlog?.backlog.per_s ?? null,
    handshakes_per_s: own?.connections.per_s ?? null,
    bytes_per_connection: own ? Math.round(own.bytesPerConnection) : null,
    fresh_after_restart_s: restart.whole === null ? null : Math.round(restart.whole),
    hosts: settings.hosts,
    seconds: settings.seconds,
  };
}

/** A row: what, measured, target, and how far from it (above 1 is better than asked for). */
const row = (what, measured, unit, target, ratio) =>
  `| ${what} | ${measured} ${unit} | ${target === undefined ? "" : `${target} ${unit}`} | ${ratio === undefined ? "" : `${round(ratio, 2)} ×`} |`;
const atLeast = (what, value, unit, target) => row(what, round(value), unit, round(target), value / target);
const atMost = (what, value, unit, target, digits = 0) =>
  row(what, round(value, digits), unit, round(target, digits), target / value);

function targets(figures) {
  const { backlog, steady, memory, restart } = figures;
  const { live } = steady;
  const rows = [atLeast("Acknowledged snapshots, one a request", live.snapshots_per_s, "/s", 1700)];
  if (backlog) rows.push(atLeast("A backlog, in batches", backlog.backlog.per_s, "frames/s", 5000));
  rows.push(atMost("Processor time of a snapshot, server and Postgres, chunks included", wholeUs(figures), "µs", 300));
  rows.push(atMost("Space of a value at full resolution", steady.bytesPerValue, "bytes", 0.2, 3));
  if (settings.hosts === 10_000) rows.push(atMost("Server memory at 10,000 hosts", memory.peak, "MB", 500));
  for (const { name, target, p95, status } of steady.latencies) {
    if (!target) continue;
    if (p95 === null) rows.push(row(`p95: ${name}`, `not there (${status})`, "", `${target} ms`));
    else rows.push(atMost(`p95: ${name}`, p95, "ms", target, 1));
  }
  rows.push(atMost("Every host known again after a kill", restart.whole, "s", 60));
  return rows;
}

function others(figures) {
  const { steady } = figures;
  const us = wholeUs(figures) / VALUES;
  const stores = [
    ["VictoriaMetrics", 1.5, 0.55],
    ["Prometheus", 5, 1.16],
    ["Zabbix's Postgres schema", 11, 90],
  ];
  const line = ([name, cpu, space]) =>
    `| ${name} | ${cpu} µs | ${space} bytes | ${round(cpu / us)} × | ${round(space / steady.bytesPerValue, 1)} × |`;
  return [
    `| Poolwatch, with HTTP, TLS and keys | ${round(us, 3)} µs | ${round(steady.bytesPerValue, 3)} bytes | | |`,
    ...stores.map(line),
  ];
}

/** Writes the page. */
export function write(figures) {
  const { steady, backlog, own, week } = figures;
  const { live } = steady;
  const lines = [
    "# Benchmarks",
    "",
    "Written by `make bench`. Server, Postgres (a private one, as it comes) and load share the machine; each snapshot is a request of its own, over TLS, by a host with its own key.",
    "",
    `Machine: ${figures.machine}. Measured ${figures.date.slice(0, 10)}: ${round(settings.hosts)} hosts, ${round(settings.rate)} snapshots/s wanted, ${settings.seconds} s, ${settings.connections} connections. A snapshot has 10,000 values: six counters of 1,500 tags, five of 200 processes. A quarter of the tags changes.`,
    "",
    "## Beside the targets",
    "",
    "| | Measured | Target | Ratio |",
    "|---|---|---|---|",
    ...targets(figures),
    "",
    "## Beside other stores",
    "",
    "Processor time and space of one value. The others were measured on two cores with the same logical data, without HTTP or TLS of agents; the lower figure where there was a range.",
    "",
    "| | Processor | Space | | |",
    "|---|---|---|---|---|",
    ...others(figures),
    "",
    "## In detail",
    "",
    `- Steady load: ${round(live.acknowledged)} snapshots acknowledged in ${round(live.seconds)} s after ${round(live.acknowledged_before)} to warm up, the first of every host among them; ${round(live.behind)} were due and not sent in time. From when it was due until it was acknowledged, a snapshot took ${round(live.latency_ms.p50)} ms (median), ${round(live.latency_ms.p95)} ms (p95), ${round(live.latency_ms.p99)} ms (p99), ${round(live.latency_ms.max)} ms (most).`,
    `- Processor time of a snapshot: server ${round(steady.serverUs)} µs, Postgres ${round(steady.postgresUs)} µs; the load itself took ${round((steady.cpu_s * 1e6) / (live.acknowledged + live.acknowledged_before))} µs.`,
    `- Hours made of frames meanwhile: ${round(100 * steady.madePerFrame)} % of as many frames as were acknowledged. The table above counts one hour's chunks for each snapshot, whatever was made in these minutes.`,
    `- Frames take ${round(steady.bytesPerValue, 3)} bytes of disk and ${round(steady.walPerValue, 3)} bytes of Postgres' log a value.`,
    `- Jobs meanwhile: ${jobs(steady.jobs)}. Afterwards: ${jobs(figures.afterwards.jobs)}.`,
    `- Server memory: ${round(figures.memory.peak)} MB at most, ${round(figures.memory.now)} MB at the end.`,
    `- Enrolment: ${round((backlog ?? steady).enrolment.per_s)} hosts/s.`,
  ];
  if (backlog) lines.push(`- Backlog: ${round(backlog.backlog.count)} frames in batches of 60; server ${round(backlog.serverUs)} µs and Postgres ${round(backlog.postgresUs)} µs a frame.`);
  if (week) lines.push(`- A week of ${settings.weekHosts} hosts: ${round(week.count)} frames at ${round(week.per_s)}/s. Making their hours, days and weeks, measured afterwards with nothing else to do, took ${round(week.chunks.serverUs)} µs of the server and ${round(week.chunks.postgresUs)} µs of Postgres a frame (${round(week.chunks.frames)} frames).`);
  const chunks = Object.entries(figures.chunks).map(([name, bytes]) => `${name} ${round(bytes / 1e6, 1)} MB`);
  if (chunks.length > 0) lines.push(`- Chunks on disk: ${chunks.join(", ")}.`);
  if (own) {
    lines.push(
      `- A connection for each of ${round(settings.own)} hosts: ${round(own.connections.per_s)} handshakes/s, ${round(own.handshake_bytes)} bytes on the wire each; the server's memory grew by ${round(own.bytesPerConnection / 1024)} kB a connection; ${round(own.live.snapshots_per_s)} snapshots/s, p99 ${round(own.live.latency_ms.p99)} ms.`,
    );
  }
  const { serving, heard, whole } = figures.restart;
  lines.push(
    `- Killed while its hosts send once a minute, the server serves again after ${round(serving, 1)} s, has heard every host after ${round(heard)} s and holds all their tables after ${round(whole)} s.`,
  );
  lines.push("", "## Questions while loaded", "", "| | Median | p95 | Answer | Asked |", "|---|---|---|---|---|");
  for (const { name, p50, p95, bytes, asked } of steady.latencies) {
    lines.push(`| ${name} | ${round(p50, 1)} ms | ${round(p95, 1)} ms | ${round(bytes / 1024, 1)} kB | ${asked} |`);
  }
  if (figures.small.length > 0) {
    lines.push("", "## Small benchmarks", "", "| | Time |", "|---|---|");
    for (const { name, time } of figures.small) lines.push(`| ${name} | ${time} |`);
  }
  writeFileSync(settings.output, `${lines.join("\n")}\n`);
}

function jobs(all) {
  const done = all.filter((job) => job.done > 0).map((job) => `${job.done} of ${job.kind}`);
  const due = all.reduce((sum, job) => sum + job.due, 0);
  return `${done.join(", ") || "none"} (${due} left)`;
}
