// What runs side by side: Node and Chromium, over each scheme. Within a lane one scenario runs after the other, on
// servers of its own, so that nobody else is there when it broadcasts.

import { createRequire } from "node:module";

import * as packs from "@microsoft/signalr-protocol-msgpack";
import * as signalR from "@microsoft/signalr";

import { scenarios } from "../scenarios/all.mjs";
import { clientPage, freshen, runInPage } from "./chromium.mjs";
import { run } from "./environment.mjs";
import { COLUMNS } from "./matrix.mjs";
import { token } from "./tokens.mjs";

// The WebSocket library that the official client brings.
const WebSocket = createRequire(createRequire(import.meta.url).resolve("@microsoft/signalr"))("ws");

/** Which kind of server a scenario is about. */
function kindOf(name) {
  if (name.startsWith("guarded: ")) return "guarded";
  return name.startsWith("transports: tokens:") ? "open" : "";
}

export class Lane {
  constructor(harness, servers, scheme) {
    Object.assign(this, { harness, servers, scheme });
  }

  /** Where a scenario runs; `client` has the ordinary kind to itself. */
  place(name, client) {
    return this.servers.get(this.scheme, kindOf(name) || client);
  }

  /** Runs every scenario in every column by `each`: (name, server, settings) to a promise. */
  async run(client, each) {
    for (const column of COLUMNS) {
      for (const name of scenarios.keys()) {
        if (!column.takes(name)) continue;
        const title = `${client}, ${this.scheme}, ${column.name}: ${name}`;
        const test = async () => each(name, await this.place(name, client), { client, ...column.settings, detailed: true });
        await this.harness.test(title, test, column.place(client, this.scheme));
      }
    }
  }
}

export async function inNode(lane) {
  const settings = { signalR, packs, token, WebSocket };
  await lane.run("js-node", (name, server, column) =>
    run(scenarios.get(name), { ...settings, ...column, url: server.url }),
  );
  if (lane.scheme !== "http") return;
  // Errors say less where nobody develops.
  const { url } = await lane.servers.get("http", "quick");
  for (const protocol of ["json", "messagepack"]) {
    for (const [name, scenario] of scenarios) {
      if (!name.startsWith("errors: ")) continue;
      const column = { client: "js-node", transport: "WebSockets", protocol, detailed: false, url };
      await lane.harness.test(`terse, ${protocol}: ${name}`, () => run(scenario, { ...settings, ...column }));
    }
  }
}

export async function inChromium(lane, browser) {
  const pages = new Map();
  await lane.run("js-chromium", async (name, server, column) => {
    if (!pages.has(server)) pages.set(server, await clientPage(browser, server.url, token));
    // Over HTTP/1.1 a page has six sockets for a server, and each waiting poll and event stream keeps one.
    else if (lane.scheme === "http" && column.transport !== "WebSockets") await freshen(pages.get(server), server.url);
    return runInPage(pages.get(server), name, { ...column, url: server.url });
  });
}
