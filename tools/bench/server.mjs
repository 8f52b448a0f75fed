// The server with its private Postgres.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { say, settings, sleep } from "./settings.mjs";

export class Server {
  constructor(folder, port) {
    this.folder = folder;
    this.data = join(folder, "data");
    this.url = `https://127.0.0.1:${port}`;
    this.port = port;
    this.program = join(settings.programs, "poolwatch-server");
    mkdirSync(this.data, { recursive: true });
    // The private Postgres of a server started as root runs as another user.
    chmodSync(folder, 0o711);
    chmodSync(this.data, 0o711);
  }

  /** Starts it and waits until it serves. Returns how many seconds that took. */
  async start() {
    const begun = Date.now();
    const log = openSync(join(this.folder, "server.log"), "a");
    const database = ["--database", "embedded", "--data-dir", this.data];
    // All its hosts come from one address.
    const connections = ["--max-connections-per-address", "100000"];
    const listen = ["--listen", `127.0.0.1:${this.port}`, "--public-url", this.url];
    this.process = spawn(this.program, ["serve", ...database, ...connections, ...listen], {
      stdio: ["ignore", log, log],
    });
    let ended = false;
    this.process.on("exit", () => (ended = true));
    while (!(await this.isServing())) {
      if (ended) throw new Error(`the server has ended: see ${this.folder}/server.log`);
      await sleep(100);
    }
    return (Date.now() - begun) / 1000;
  }

  async isServing() {
    if (!existsSync(this.caFile)) return false;
    this.agent ??= new https.Agent({ keepAlive: true, maxSockets: 4, ca: readFileSync(this.caFile) });
    try {
      return (await this.get("/healthz")).status === 200;
    } catch {
      return false;
    }
  }

  /** Asks it. Returns the status, the body and the milliseconds until all of it was there. */
  get(path) {
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    const begun = performance.now();
    return new Promise((done, failed) => {
      const request = https.get(`${this.url}${path}`, { agent: this.agent, headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (part) => (body += part));
        answer.on("end", () =>
          done({ status: answer.statusCode, body, ms: performance.now() - begun }),
        );
      });
      request.on("error", failed);
    });
  }

  /** Makes a token. */
  admin(...args) {
    const database = ["--database", "embedded", "--data-dir", this.data];
    const all = ["admin", "create-token", ...args, ...database, "--name", "bench"];
    const stdio = ["ignore", "pipe", "ignore"];
    return execFileSync(this.program, all, { encoding: "utf8", stdio }).trim();
  }

  /** Kills it, as a crash would; its Postgres goes on. */
  async kill() {
    const ended = new Promise((done) => this.process.on("exit", done));
    this.process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = new Promise((done) => this.process.on("exit", done));
    this.process.kill("SIGTERM");
    const late = setTimeout(() => {
      say("the server had to be killed");
      this.process.kill("SIGKILL");
    }, 60_000);
    await ended;
    clearTimeout(late);
  }

  get caFile() {
    return join(this.data, "tls/ca.pem");
  }

  get pid() {
    return this.process.pid;
  }
}
