// The directory of tools/windows/directory: its administrator and its computer.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const scripts = path.join(import.meta.dirname, "..", "directory");
const ADMINISTRATOR = ["-H", "ldap://dc1.pool.test", "-UAdministrator%Only-For-Tests-1"];
export const UNIT = "OU=Fleet,DC=pool,DC=test";
export const SHARE = "\\\\dc1.pool.test\\deploy$";

// Runs a command that an ordinary user may not.
export function asRoot(...command) {
  const [program, ...args] = process.getuid() === 0 ? command : ["sudo", ...command];
  execFileSync(program, args);
}

export class Domain {
  constructor(folder) {
    this.folder = path.join(folder, "directory");
    this.share = path.join(folder, "share");
    mkdirSync(this.share);
    this.started = this.#domain("start", this.folder, this.share);
    // Whoever waits for it hears of it.
    this.started.catch(() => {});
  }

  stop() {
    return this.#domain("stop", this.folder);
  }

  samba(...args) {
    return this.#as("samba-tool", ...args, ...ADMINISTRATOR);
  }

  // Group Policy, by policy.py.
  policy(...args) {
    return this.#as(path.join(scripts, "policy.py"), ...args);
  }

  // A folder of SYSVOL as the computer sees it.
  async list(folder) {
    const ask = `cd "${folder}"; recurse; ls`;
    return this.#as("smbclient", "--configfile", path.join(this.folder, "computer.conf"), "-P",
      "//dc1.pool.test/sysvol", "-c", ask);
  }

  #as(...command) {
    return this.#domain("as", this.folder, ...command);
  }

  async #domain(...args) {
    const { stdout } = await run(path.join(scripts, "domain.sh"), args, { maxBuffer: 1 << 24 });
    return stdout;
  }
}
