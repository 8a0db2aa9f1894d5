// The official JavaScript clients, in Node and in Chromium, against the running product.
//
//   node run.mjs <path to the hubplane binary> [--only TEXT] [--no-browser] [--rows FILE] [--screenshot]
//
// The binary may be named by the variable HUBPLANE instead, and Chromium by CHROMIUM: so `cargo xtask test` does it.
// Ends with the line "N passed, N failed"; exit code 1 if any failed. `--rows` says what became of each row of the
// conformance table (lib/rows.mjs). `--screenshot` rewrites docs/images/chat.png.

import { parseArgs } from "node:util";

import { chat } from "./chat.mjs";
import { launch } from "./lib/chromium.mjs";
import { Harness } from "./lib/harness.mjs";
import { inChromium, inNode, Lane } from "./lib/lanes.mjs";
import { named } from "./lib/names.mjs";
import { Server, Servers } from "./lib/server.mjs";
import { raw } from "./raw.mjs";
import { stateful } from "./scenarios/stateful.mjs";
import { script } from "./script.mjs";
import { types } from "./types.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    "no-browser": { type: "boolean", default: false },
    rows: { type: "string", default: process.env.ROWS ?? "" },
    screenshot: { type: "boolean", default: false },
  },
});
const binary = positionals[0] ?? process.env.HUBPLANE;
if (!binary) {
  console.error("usage: node run.mjs <path to the hubplane binary> [--only TEXT] [--no-browser] [--rows FILE] [--screenshot]");
  process.exit(2);
}

const harness = new Harness(flags.only);
const servers = new Servers(binary);
const SCHEMES = ["http"];

/** What says nothing of a transport: requests that no client makes, and what the command prints. */
async function beside() {
  const [server, quick] = await Promise.all([servers.get("http", "beside"), servers.get("http", "quick")]);
  const given = { hub: server.hub("conformance"), quick: quick.hub("conformance"), url: server.url, binary };
  for (const [name, run] of Object.entries({ ...named("raw", raw), ...named("types", types), ...named("stateful", stateful) })) {
    await harness.test(name, async () => void (await run(given)));
  }
}

/** The chat page, and its own script. */
async function pages(browser) {
  const server = await servers.get("http", "beside");
  const restartable = await Server.restartable(binary);
  for (const [name, run] of Object.entries({ ...named("chat page", chat), ...named("its script", script) })) {
    const contexts = [];
    const windows = async (options) => {
      contexts.push(await browser.newContext(options));
      return contexts.at(-1);
    };
    const given = { windows, url: server.url, restartable, screenshot: flags.screenshot };
    await harness.test(name, async () => void (await run(given)));
    await Promise.all(contexts.map((context) => context.close()));
  }
  await restartable.stop();
}

let browser;
try {
  const lanes = SCHEMES.map((scheme) => inNode(new Lane(harness, servers, scheme)));
  lanes.push(beside());
  if (!flags["no-browser"]) {
    browser = await launch();
    lanes.push(...SCHEMES.map((scheme) => inChromium(new Lane(harness, servers, scheme), browser)), pages(browser));
  }
  // Whichever fails: the others end first.
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
} catch (error) {
  harness.broken("the run itself", error);
} finally {
  await browser?.close();
  await servers.stop();
}

harness.rows.write(flags.rows);
if (harness.failed > 0) console.log(`\nThe servers' logs end:\n${servers.logs()}`);
console.log(`${harness.passed} passed, ${harness.failed} failed`);
process.exit(harness.failed > 0 ? 1 : 0);
