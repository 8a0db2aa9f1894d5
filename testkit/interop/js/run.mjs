// The official JavaScript clients, in Node and in Chromium, against the running product.
//
//   node run.mjs <path to the hubplane binary> [--only TEXT] [--no-browser] [--screenshot]
//
// The binary may be named by the variable HUBPLANE instead, and Chromium by CHROMIUM: so `cargo xtask test` does it.
// Ends with the line "N passed, N failed"; exit code 1 if any failed. `--screenshot` rewrites docs/images/chat.png.

import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

import * as packs from "@microsoft/signalr-protocol-msgpack";
import * as signalR from "@microsoft/signalr";

import { chat } from "./chat.mjs";
import { clientPage, launch, runInPage } from "./lib/chromium.mjs";
import { run } from "./lib/environment.mjs";
import { Harness } from "./lib/harness.mjs";
import { Server } from "./lib/server.mjs";
import { token as sign } from "./lib/tokens.mjs";
import { raw } from "./raw.mjs";
import { scenarios } from "./scenarios/all.mjs";
import { script } from "./script.mjs";
import { types } from "./types.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    "no-browser": { type: "boolean", default: false },
    screenshot: { type: "boolean", default: false },
  },
});
const binary = positionals[0] ?? process.env.HUBPLANE;
if (!binary) {
  console.error("usage: node run.mjs <path to the hubplane binary> [--only TEXT] [--no-browser] [--screenshot]");
  process.exit(2);
}

const key = randomBytes(32).toString("hex");

/** What a client shows as its token. */
async function token(user, kind = "valid") {
  const sub = { sub: user };
  switch (kind) {
    case "expired":
      return sign(key, { ...sub, exp: Math.floor(Date.now() / 1000) - 3600 });
    case "forged":
      return sign(randomBytes(32), sub);
    case "none":
      return sign(key, sub, { alg: "none", typ: "JWT" }).replace(/[^.]*$/, "");
    case "garbage":
      return "not.a.token";
    default:
      return sign(key, sub);
  }
}

const PROTOCOLS = ["json", "messagepack"];
const harness = new Harness(flags.only);
const auth = { HUBPLANE_AUTH__KEYS__TEST: key };

/** As it comes; with terse errors and quick timers; where everybody needs a token; and one that is restarted. */
const [server, quick, guarded, first] = await Promise.all([
  Server.start(binary, { ...auth, HUBPLANE_HUBS__DETAILED_ERRORS: "true" }),
  Server.start(binary, {
    ...auth,
    HUBPLANE_HUBS__DETAILED_ERRORS: "false",
    HUBPLANE_HUBS__KEEP_ALIVE_INTERVAL: "1s",
    HUBPLANE_HUBS__CLIENT_TIMEOUT: "3s",
  }),
  Server.start(binary, { ...auth, HUBPLANE_AUTH__REQUIRED: "true" }),
  Server.start(binary),
]);

/** The server that a scenario is about. */
const placeOf = (name) => (name.startsWith("guarded: ") ? guarded : server);

async function inNode() {
  for (const protocol of PROTOCOLS) {
    for (const [name, scenario] of scenarios) {
      const settings = { signalR, packs, url: placeOf(name).url, protocol, detailed: true, token };
      await harness.test(`Node, ${protocol}: ${name}`, () => run(scenario, settings));
    }
    for (const [name, scenario] of scenarios) {
      if (!name.startsWith("errors: ")) continue;
      const settings = { signalR, packs, url: quick.url, protocol, detailed: false, token };
      await harness.test(`Node, ${protocol}, terse: ${name}`, () => run(scenario, settings));
    }
  }
  for (const [name, run] of Object.entries(raw)) {
    await harness.test(`raw: ${name}`, () => run({ hub: server.hub("conformance"), quick: quick.hub("conformance") }));
  }
  for (const [name, run] of Object.entries(types)) await harness.test(`types: ${name}`, () => run({ binary }));
}

async function inChromium() {
  const browser = await launch();
  try {
    const pages = new Map();
    for (const place of [server, guarded]) pages.set(place, await clientPage(browser, place.url, token));
    for (const protocol of PROTOCOLS) {
      for (const name of scenarios.keys()) {
        const place = placeOf(name);
        const settings = { url: place.url, protocol, detailed: true };
        await harness.test(`Chromium, ${protocol}: ${name}`, () => runInPage(pages.get(place), name, settings));
      }
    }
    const inWindows = { ...named("chat page", chat), ...named("its script", script) };
    for (const [name, run] of Object.entries(inWindows)) {
      const contexts = [];
      const windows = async (options) => {
        contexts.push(await browser.newContext(options));
        return contexts.at(-1);
      };
      const given = { windows, url: server.url, restartable, screenshot: flags.screenshot };
      await harness.test(name, () => run(given));
      await Promise.all(contexts.map((context) => context.close()));
    }
  } finally {
    await browser.close();
  }
}

function named(area, list) {
  return Object.fromEntries(Object.entries(list).map(([name, run]) => [`${area}: ${name}`, run]));
}

/** A server of its own for whoever restarts it. */
const restartable = {
  server: first,
  get url() {
    return this.server.url;
  },
  /** Ends it and starts another one at the same address. */
  async restart() {
    const listen = `127.0.0.1:${this.server.port}`;
    await this.server.stop();
    this.server = await Server.start(binary, {}, { listen });
  },
};

try {
  await inNode();
  if (!flags["no-browser"]) await inChromium();
} catch (error) {
  harness.broken("the run itself", error);
} finally {
  await Promise.all([server, quick, guarded, restartable.server].map((one) => one.stop()));
}

if (harness.failed > 0) console.log(`\nThe server's log ends:\n${server.log.slice(-3_000)}`);
console.log(`${harness.passed} passed, ${harness.failed} failed`);
process.exit(harness.failed > 0 ? 1 : 0);
