// The real executable under Wine, against a real server. Run by tools/windows/test.sh, which says
// where everything is.
import { after, before } from "node:test";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { Domain } from "./domain.mjs";
import { Server } from "./server.mjs";
import { Wine, until, windowsPath } from "./wine.mjs";
import cost from "./cost.mjs";
import directory from "./directory.mjs";
import enrolment from "./enrolment.mjs";
import installer from "./installer.mjs";
import packages from "./packages.mjs";
import service from "./service.mjs";
import settings from "./settings.mjs";
import versions from "./versions.mjs";
import x86 from "./x86.mjs";

// A program that opens handles and does nothing else. It also keeps Wine's services alive, which end
// with the last program of a user.
const HELD = 3000;

const run = process.env.RUN;
const world = {
  agent: "C:\\agent\\poolwatch-agent.exe",
  held: HELD,
  exe: process.env.AGENT_EXE,
  exeX86: process.env.X86_EXE,
  wow64: process.env.WOW64,
  packages: {
    first: process.env.FIRST_MSI,
    second: process.env.SECOND_MSI,
    current: process.env.CURRENT_MSI,
    x86: process.env.X86_MSI,
  },
  run,
};

before(async () => {
  // Takes ten seconds, beside what comes first.
  world.domain = new Domain(run);
  const prefix = path.join(run, "wine");
  world.wine = new Wine(prefix);
  copyFileSync(world.exe, path.join(prefix, "drive_c", "agent", "poolwatch-agent.exe"));
  world.holder = world.wine.start("C:\\agent\\holder.exe", String(HELD));
  await until("the program holds its handles", () => world.holder.stdout.includes("holds"));
  world.server = await Server.start(process.env.SERVER, run);
  world.caFile = windowsPath(world.server.caFile);
});

after(async () => {
  world.holder?.child.stdin.end();
  await world.wine?.stop();
  await world.server?.stop();
  await world.domain?.stop();
});

packages(world);
enrolment(world);
settings(world);
service(world);
installer(world);
// Ends the agent that is measured: the machine is another one afterwards, and it would tell the server so.
cost(world);
directory(world);
versions(world);
x86(world);
