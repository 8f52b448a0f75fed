// What the database holds, asked with psql.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export class Database {
  constructor(data) {
    const pidFile = readFileSync(join(data, "postgres/data/postmaster.pid"), "utf8").split("\n");
    this.postmaster = Number(pidFile[0]);
    this.socket = pidFile[4];
  }

  ask(sql) {
    const args = ["-X", "-A", "-t", "-h", this.socket, "-U", "poolwatch", "-d", "poolwatch"];
    return execFileSync("psql", [...args, "-c", sql], { encoding: "utf8" }).trim();
  }

  /** Bytes of log written since the database was made. */
  wal() {
    return Number(this.ask("SELECT pg_current_wal_lsn() - '0/0'"));
  }

  /** Bytes of the frames, with their index. */
  frameBytes() {
    return Number(
      this.ask(`SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)
                FROM pg_inherits WHERE inhparent = 'frames'::regclass`),
    );
  }

  /** Bytes of each kind of chunk. */
  chunkBytes() {
    const rows = this.ask(`
      SELECT regexp_replace(relname, '_[0-9]+$', ''), sum(pg_total_relation_size(oid))
      FROM pg_class WHERE relkind = 'r' AND relname ~ '^(chunk_|fleet_hour)' GROUP BY 1 ORDER BY 1`);
    return Object.fromEntries(
      rows.split("\n").filter(Boolean).map((row) => {
        const [name, bytes] = row.split("|");
        return [name, Number(bytes)];
      }),
    );
  }

  /** Hours of hosts whose frames came late and are not made yet. */
  dirtyHours() {
    return Number(this.ask("SELECT count(*) FROM dirty_hours"));
  }

  /** Frames that hours were made of. */
  hourFrames() {
    return Number(this.ask("SELECT coalesce(sum(frames), 0) FROM chunk_hour"));
  }

  /** Jobs done so far, by kind, and how many are due. */
  jobs() {
    const rows = this.ask(`SELECT kind, count(*) FILTER (WHERE done_at IS NOT NULL),
      count(*) FILTER (WHERE done_at IS NULL AND bucket <= now()) FROM jobs GROUP BY 1 ORDER BY 1`);
    return rows.split("\n").filter(Boolean).map((row) => {
      const [kind, done, due] = row.split("|");
      return { kind, done: Number(done), due: Number(due) };
    });
  }
}
