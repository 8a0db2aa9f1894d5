// Stateful reconnect with the official client behind a network that breaks: reference signalr-core 17.
// In Node alone, on a server of its own: what breaks is a proxy of this process.

import * as packs from "@microsoft/signalr-protocol-msgpack";
import * as signalR from "@microsoft/signalr";

import { closed, equal, fail, ok, within } from "../lib/check.mjs";
import { Proxy } from "../lib/proxy.mjs";
import { Server } from "../lib/server.mjs";

const COUNT = 10_000;
const LIMIT_MS = 28_000;

function build(url, { protocol, stateful = true, reconnect } = {}) {
  const builder = new signalR.HubConnectionBuilder()
    .withUrl(`${url}/hubs/conformance`, { transport: signalR.HttpTransportType.WebSockets })
    .configureLogging(signalR.LogLevel.None);
  if (protocol === "messagepack") builder.withHubProtocol(new packs.MessagePackHubProtocol());
  if (stateful) builder.withStatefulReconnect();
  if (reconnect) builder.withAutomaticReconnect(reconnect);
  return builder.build();
}

/** Runs a scenario with a server that allows it and a proxy in front, and stops what it opened. */
async function behindProxy(binary, options, run) {
  const server = await Server.start(binary, { HUBPLANE_HUBS__STATEFUL_RECONNECT: "true", ...options });
  const proxy = await Proxy.start(server.url);
  const opened = [];
  const open = async (url, settings) => {
    const connection = build(url, settings);
    opened.push(connection);
    await connection.start();
    return connection;
  };
  try {
    await run({ server, proxy, open });
  } finally {
    await Promise.all(opened.map((connection) => connection.stop()));
    await proxy.stop();
    await server.stop();
  }
}

/** Resolves once COUNT numbers have come in order; fails at the first that is not the next. */
function numbers(connection, what) {
  let next = 0;
  const all = new Promise((resolve, reject) => {
    connection.on("Send", (text) => {
      if (Number(text) !== next) reject(new Error(`${what}: ${text} instead of ${next}`));
      next += 1;
      if (next === COUNT) resolve();
    });
    connection.onclose((error) => reject(new Error(`${what}: closed after ${next}: ${error}`)));
  });
  all.catch(() => {});
  return within(all, LIMIT_MS, what).catch((error) => fail(`${error.message}; ${next} came`));
}

async function survives(binary, protocol) {
  // What is sent faster than it is acknowledged waits in the queue.
  const options = { HUBPLANE_HUBS__OUTBOUND_QUEUE_BYTES: "8MiB" };
  await behindProxy(binary, options, async ({ server, proxy, open }) => {
    const client = await open(proxy.url, { protocol });
    const other = await open(server.url, { stateful: false });
    await client.invoke("GroupAddMethod", "down");
    await other.invoke("GroupAddMethod", "up");
    const id = await client.invoke("GetCallerConnectionId");
    const heard = [numbers(client, "down"), numbers(other, "up")];
    let breaks = 0;
    let timer;
    const next = () => {
      breaks += proxy.breakAll();
      timer = setTimeout(next, 200 + Math.random() * 600);
    };
    timer = setTimeout(next, 300);
    const up = async () => {
      for (let number = 0; number < COUNT; number += 1) await client.send("GroupSendMethod", "up", `${number}`);
    };
    const down = async () => {
      for (let number = 0; number < COUNT; number += 1) await other.invoke("GroupSendMethod", "down", `${number}`);
    };
    try {
      await Promise.all([up(), down(), ...heard]);
    } finally {
      clearTimeout(timer);
    }
    ok(breaks >= 5, `only ${breaks} sockets were lost`);
    equal(await client.invoke("GetCallerConnectionId"), id, "the connection");
    const events = await other.invoke("GetEvents", id);
    equal(events.filter((event) => /connected/.test(event)).length, 1, `${events}`);
  });
}

export const stateful = {
  async "10,000 numbered messages each way survive lost sockets, json [DX-28]"({ binary }) {
    await survives(binary, "json");
  },

  async "10,000 numbered messages each way survive lost sockets, messagepack"({ binary }) {
    await survives(binary, "messagepack");
  },

  async "past the time of the buffer the client is told, and comes back as another connection [DX-27]"({ binary }) {
    const options = { HUBPLANE_HUBS__STATEFUL_RECONNECT_TIMEOUT: "1s" };
    await behindProxy(binary, options, async ({ server, proxy, open }) => {
      const [told, returns, other] = [
        await open(proxy.url),
        await open(proxy.url, { reconnect: [0, 100, 1000] }),
        await open(server.url, { stateful: false }),
      ];
      const ids = [told.connectionId, returns.connectionId];
      const close = closed(told);
      const again = within(new Promise((resolve) => returns.onreconnected(resolve)), 10_000, "another connection");
      proxy.delayMs = 2_000;
      equal(proxy.breakAll(), 2);
      ok((await close) instanceof Error, "it closes with an error");
      proxy.delayMs = 0;
      ok((await again) !== ids[1], "another id");
      equal(await returns.invoke("Echo", "x"), "x");
      for (const id of ids) {
        const events = await other.invoke("GetEvents", id);
        equal(events.filter((event) => event.startsWith("disconnected")), ["disconnected none"]);
      }
    });
  },

  async "stop is the end, and nothing comes back [HH-101]"({ binary }) {
    await behindProxy(binary, {}, async ({ server, proxy, open }) => {
      const [client, other] = [await open(proxy.url), await open(server.url, { stateful: false })];
      const id = client.connectionId;
      equal(await client.invoke("Echo", "x"), "x");
      await client.stop();
      const ended = async () => (await other.invoke("GetEvents", id)).includes("disconnected none");
      const end = performance.now() + 5_000;
      while (!(await ended())) ok(performance.now() < end, "the hub is told within 5 s");
    });
  },
};
