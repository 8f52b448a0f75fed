// A server of its own for the tests: private database, private authority.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import path from "node:path";
import { until } from "./wine.mjs";

const STOPS_WITHIN_MS = 30_000;
const ANSWERS_WITHIN_MS = 60_000;
// The least that agents take from a server.
export const INTERVAL_S = 10;

export class Server {
  static async start(program, folder) {
    const server = new Server();
    server.program = program;
    // The private Postgres of a server started as root runs as another user.
    server.data = path.join(folder, "data");
    mkdirSync(server.data);
    chmodSync(server.data, 0o711);
    server.caFile = path.join(server.data, "tls", "ca.pem");
    server.log = path.join(folder, "server.log");
    server.url = `https://127.0.0.1:${await freePort()}`;
    const log = openSync(server.log, "a");
    const options = ["--listen", server.url.slice("https://".length), "--tls", "self-signed",
      "--public-url", server.url, "--interval-s", String(INTERVAL_S)];
    // Ends with the tests, however they end.
    const command = ["--pdeathsig", "TERM", program, "serve", ...server.#database(), ...options];
    server.child = spawn("setpriv", command, {
      env: cleanEnvironment(),
      stdio: ["ignore", log, log],
    });
    try {
      await until("the server is ready", () => server.#isReady());
      server.apiToken = server.#admin("create-token", "api", "--name", "tests", "--role", "viewer");
      server.adminToken = server.#admin("create-token", "api", "--name", "kit", "--role", "admin");
      server.enrolToken =
        server.#admin("create-token", "enrolment", "--name", "tests", "--auto-approve");
    } catch (error) {
      await server.stop();
      throw new Error(`${error.message}\n${readFileSync(server.log, "utf8").slice(-4000)}`);
    }
    return server;
  }

  // The answer to a GET request with the tests' token: JSON where it is JSON, else text.
  async get(address) {
    const { status, type, body } = await this.#ask(address, {
      authorization: `Bearer ${this.apiToken}`,
    });
    if (status !== 200) throw new Error(`GET ${address}: ${status}\n${body}`);
    return type.startsWith("application/json") ? JSON.parse(body) : body;
  }

  // The files of the page Deploy agents with these values, unpacked into a folder; its path.
  async kit(folder, values) {
    const body = new URLSearchParams(values).toString();
    const answer = await this.#ask("/deploy/kit", {
      authorization: `Bearer ${this.adminToken}`,
      "content-type": "application/x-www-form-urlencoded",
    }, body);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, "kit.zip"), answer.bytes);
    execFileSync("python3", ["-m", "zipfile", "-e", "kit.zip", "."], { cwd: folder });
    return folder;
  }

  async hosts() {
    return (await this.get("/api/v1/hosts")).hosts;
  }

  // An enrolment token that was valid once.
  expiredToken() {
    const token = this.#admin("create-token", "enrolment", "--name", "expired", "--expires-days", "1");
    // Nobody waits for a day: it is made older in the database.
    const older = "UPDATE enrolment_tokens SET expires_at = now() - interval '1 minute' WHERE name = 'expired'";
    execFileSync("psql", ["-X", "-q", "-h", path.join(this.data, "postgres", "run"), "-U", "poolwatch",
      "-d", "poolwatch", "-c", older]);
    return token;
  }

  approve(host) {
    this.#admin("approve-host", String(host));
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOPS_WITHIN_MS);
    await once(this.child, "exit");
    clearTimeout(late);
  }

  #database() {
    return ["--database", "embedded", "--data-dir", this.data];
  }

  #admin(...args) {
    const all = ["admin", ...args, ...this.#database()];
    const stdio = ["ignore", "pipe", openSync(this.log, "a")];
    return execFileSync(this.program, all, { env: cleanEnvironment(), stdio }).toString().trim();
  }

  async #isReady() {
    if (this.child.exitCode !== null) throw new Error("the server has ended");
    if (!existsSync(this.caFile)) return false;
    return this.#ask("/healthz").then(({ status }) => status === 200, () => false);
  }

  // With a body it is a POST.
  #ask(address, headers = {}, content = undefined) {
    return new Promise((resolve, reject) => {
      const method = content === undefined ? "GET" : "POST";
      const options = { ca: readFileSync(this.caFile), headers, method, timeout: ANSWERS_WITHIN_MS };
      const asked = request(this.url + address, options, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () => {
          const bytes = Buffer.concat(parts);
          const type = answer.headers["content-type"] ?? "";
          resolve({ status: answer.statusCode, type, bytes, body: bytes.toString("utf8") });
        });
      });
      asked.on("timeout", () => asked.destroy(new Error("no answer")));
      asked.on("error", reject);
      asked.end(content);
    });
  }
}

// Only what the tests say counts.
function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => {
    return name !== "DATABASE_URL" && !name.startsWith("POOLWATCH_");
  });
  return { ...Object.fromEntries(kept), NO_COLOR: "1" };
}

async function freePort() {
  const listener = createServer();
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
