// How long questions take while the fleet sends.

import { sleep } from "./settings.mjs";

/** Questions, with what the 95th percentile of each should be at most, in milliseconds. */
export function questions({ host, weekHost, tag }) {
  const at = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const week = `since=${at(168)}&until=${at(0)}`;
  return [
    { name: "latest of a host", target: 8, path: `/api/v1/hosts/${host}` },
    { name: "a tag of a host over 7 days", target: 25, path: `/api/v1/hosts/${weekHost}/tags/${tag}?pool=nonpaged&${week}` },
    { name: "fleet by tag", target: 8, path: "/api/v1/tags" },
    { name: "a tag over all hosts", target: 5, path: `/api/v1/tags/${tag}` },
    { name: "page of a host", path: `/hosts/${host}` },
    { name: "page of the fleet", path: "/" },
  ];
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** Asks all questions in turn, about one each second, until told to stop: people are few. */
export class Probe {
  constructor(server, asked) {
    this.server = server;
    this.asked = asked.map((question) => ({ ...question, ms: [], status: 0, bytes: 0 }));
    this.stopped = false;
    this.done = this.run();
  }

  async run() {
    while (!this.stopped) {
      for (const question of this.asked) {
        const answer = await this.server.get(question.path).catch(() => null);
        question.status = answer?.status ?? 0;
        question.bytes = answer?.body.length ?? 0;
        if (answer?.status === 200) question.ms.push(answer.ms);
        await sleep(150);
      }
    }
  }

  async stop() {
    this.stopped = true;
    await this.done;
    return this.asked.map(({ name, target, ms, status, bytes }) => {
      const sorted = ms.sort((one, two) => one - two);
      const found = sorted.length > 0;
      return {
        name,
        target,
        status,
        bytes,
        asked: sorted.length,
        p50: found ? quantile(sorted, 0.5) : null,
        p95: found ? quantile(sorted, 0.95) : null,
      };
    });
  }
}
