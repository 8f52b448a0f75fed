// Waits until the server says that it is ready: node ready.mjs URL CA_FILE SECONDS
import { existsSync, readFileSync } from "node:fs";
import { get } from "node:https";

const [url, caFile, seconds] = process.argv.slice(2);
const end = Date.now() + seconds * 1000;

function ask() {
  return new Promise((resolve) => {
    if (!existsSync(caFile)) {
      resolve("no certificate yet");
      return;
    }
    const request = get(`${url}/healthz`, { ca: readFileSync(caFile), timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? null : `status ${answer.statusCode}`);
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", (error) => resolve(error.message));
  });
}

for (;;) {
  const why = await ask();
  if (why === null) break;
  if (Date.now() > end) {
    console.error(`${url} is not ready: ${why}`);
    process.exit(1);
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
}
