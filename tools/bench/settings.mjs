// What is measured: from the environment.

const number = (name, usual) => Number(process.env[`BENCH_${name}`] ?? usual);

export const settings = {
  seconds: number("SECONDS", 300),
  hosts: number("HOSTS", 10_000),
  rate: number("RATE", 1700),
  connections: number("CONNECTIONS", 256),
  backlog: number("BACKLOG", 60),
  weekHosts: number("WEEK_HOSTS", 10),
  own: number("OWN", 5000),
  criterion: process.env.BENCH_CRITERION !== "no",
  programs: process.env.BENCH_PROGRAMS ?? "target/release",
  folder: process.env.BENCH_DIR,
  output: process.env.BENCH_OUTPUT ?? "docs/benchmarks.md",
};

export const say = (text) => console.error(`bench: ${text}`);
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
