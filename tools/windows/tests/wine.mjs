// Programs in a Wine prefix, and its registry and services.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";

// A program of Wine that takes longer hangs. Two busy cores take minutes for what a quiet machine does in seconds.
const LONGEST_MS = 600_000;
// How long is waited for what comes at its own pace. Where less is proven, a test measures it.
const PATIENCE_S = 300;
const FLUSHED_WITHIN_MS = 300;

export class Wine {
  #lasting = [];

  // With more in the environment of all programs.
  constructor(prefix, more = {}) {
    this.env = {
      ...process.env,
      WINEPREFIX: prefix,
      WINEARCH: "win64",
      WINEDEBUG: "-all",
      DISPLAY: "",
      WINEDLLOVERRIDES: "mscoree,mshtml=;winemenubuilder.exe=d",
      ...more,
    };
    for (const name of Object.keys(this.env)) {
      if (name.startsWith("POOLWATCH_")) delete this.env[name];
    }
  }

  // Runs a program to its end. Wine keeps only the lowest 8 bits of an exit code.
  run(program, ...args) {
    return this.runIn(undefined, {}, program, ...args);
  }

  // The same in a folder, with more in the environment.
  async runIn(cwd, env, program, ...args) {
    const started = this.#spawn(program, args, ["ignore", "pipe", "pipe"], { cwd, env });
    const { child } = started;
    const late = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
    const closed = once(child, "close");
    const [code, signal] = await once(child, "exit");
    clearTimeout(late);
    // Not for long: what a program leaves running in the background holds its output open.
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, FLUSHED_WITHIN_MS))]);
    child.stdout.destroy();
    child.stderr.destroy();
    return { code: code ?? signal, stdout: started.stdout, stderr: started.stderr };
  }

  // Runs a program that has to succeed, and returns what it printed.
  async call(program, ...args) {
    const { code, stdout, stderr } = await this.run(program, ...args);
    if (code !== 0) {
      throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${stdout}${stderr}`);
    }
    return stdout;
  }

  // Starts a program that goes on until its input ends or it is killed. What it says grows with it.
  start(program, ...args) {
    const started = this.#spawn(program, args, ["pipe", "pipe", "pipe"]);
    this.#lasting.push(started.child);
    return started;
  }

  #spawn(program, args, stdio, { cwd, env } = {}) {
    const child = spawn("wine", [program, ...args], { cwd, env: { ...this.env, ...env }, stdio });
    const started = { child, stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => (started[name] += text));
    }
    return started;
  }

  // Ends the whole prefix with everything that runs in it.
  async stop() {
    await new Promise((resolve) => execFile("wineserver", ["-k"], { env: this.env }, resolve));
    await new Promise((resolve) => execFile("wineserver", ["-w"], { env: this.env }, resolve));
    for (const child of this.#lasting) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
    }
  }

  async setValue(key, name, value, type = typeof value === "number" ? "REG_DWORD" : "REG_SZ") {
    await this.call("reg", "add", key, "/v", name, "/t", type, "/d", String(value), "/f");
  }

  async deleteKey(key) {
    await this.run("reg", "delete", key, "/f");
  }

  // The value's text, or null when there is none.
  async value(key, name) {
    const { stdout } = await this.run("reg", "query", key, "/v", name);
    const line = stdout.split(/\r?\n/).find((line) => line.trim().startsWith(`${name} `));
    return line === undefined ? null : line.trim().split(/ {4}/).slice(2).join("    ");
  }

  async hasKey(key) {
    return (await this.run("reg", "query", key)).code === 0;
  }

  // "RUNNING", "STOPPED", … or null when there is no such service.
  async serviceState(name) {
    const { stdout } = await this.run("sc", "query", name);
    return stdout.match(/STATE\s*:\s*\d+\s+(\w+)/)?.[1] ?? null;
  }
}

// A path of this machine as Wine's programs see it.
export function windowsPath(path) {
  return `Z:${path.replaceAll("/", "\\")}`;
}

// Asks until the answer is neither null, undefined nor false.
export async function until(what, ask, seconds = PATIENCE_S) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
