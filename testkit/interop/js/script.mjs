// The page's own script, against a server that says what the test wants it to say.

import { equal, ok, until } from "./lib/check.mjs";

const END = "\u001e";

/** A page with one connection of the script in `globalThis.hub`, and the server's end of it. */
class Stage {
  static async open(windows, url, { negotiate } = {}) {
    const stage = new Stage();
    stage.sockets = [];
    stage.negotiated = [];
    const context = await windows({});
    stage.page = await context.newPage();
    await context.route(/\/negotiate/, (route) => {
      stage.negotiated.push(route.request());
      const answer = negotiate?.(stage.negotiated.length) ?? {
        negotiateVersion: 1,
        connectionId: `id-${stage.negotiated.length}`,
        connectionToken: `token-${stage.negotiated.length}`,
        availableTransports: [{ transport: "WebSockets", transferFormats: ["Text"] }],
      };
      return route.fulfill({ json: answer });
    });
    await context.routeWebSocket(/./, (socket) => {
      const kept = { url: socket.url(), heard: [], say: (...all) => socket.send(all.map((one) => JSON.stringify(one) + END).join("")) };
      kept.socket = socket;
      stage.sockets.push(kept);
      socket.onMessage((data) => {
        for (const record of data.split(END).filter(Boolean)) {
          const message = JSON.parse(record);
          kept.heard.push(message);
          if (message.protocol) kept.say({});
        }
      });
    });
    await stage.page.clock.install();
    await stage.page.goto(`${url}/style.css`);
    await stage.page.evaluate(async () => {
      const { HubConnection } = await import("/hubplane.js");
      globalThis.hub = new HubConnection("/hubs/test");
      globalThis.states = [];
      hub.onstate = (state, { reason }) => states.push(reason ? `${state}: ${reason}` : state);
      hub.start();
    });
    return stage;
  }

  /** The server's end of the n-th socket, once it is shaken and has pinged. */
  async socket(n) {
    await until(() => this.sockets[n]?.heard.some((message) => message.type === 6), `socket ${n}`);
    return this.sockets[n];
  }

  states() {
    return this.page.evaluate(() => states);
  }

  async heard(socket, wanted) {
    return until(() => socket.heard.find(wanted), `hearing it, heard ${JSON.stringify(socket.heard)}`);
  }
}

export const script = {
  async "it negotiates, shakes hands and pings at once"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const socket = await stage.socket(0);
    equal(socket.heard, [{ protocol: "json", version: 1 }, { type: 6 }]);
    ok(stage.negotiated[0].url().endsWith("/hubs/test/negotiate?negotiateVersion=1"), stage.negotiated[0].url());
    equal(stage.negotiated[0].method(), "POST");
    ok(socket.url.endsWith("/hubs/test?id=token-1"), socket.url);
    equal(await stage.page.evaluate(() => hub.id), "id-1");
  },

  async "invocations are answered in any order, and errors are what the hub said"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const socket = await stage.socket(0);
    const results = stage.page.evaluate(() =>
      Promise.allSettled([hub.invoke("A", 1), hub.invoke("B"), hub.invoke("C", null, [2])]).then((all) =>
        all.map(({ value, reason }) => value ?? String(reason)),
      ),
    );
    await stage.heard(socket, (message) => message.target === "C");
    const [a, b, c] = socket.heard.filter((message) => message.type === 1);
    equal([a.arguments, b.arguments, c.arguments], [[1], [], [null, [2]]]);
    socket.say(
      { type: 3, invocationId: c.invocationId, result: "third" },
      { type: 3, invocationId: "unknown", result: 1 },
      { type: 42, unknown: true },
      { type: 3, invocationId: b.invocationId, error: "An unexpected error occurred invoking 'B' on the server. HubException: too\nlate" },
      { type: 3, invocationId: a.invocationId, result: 1 },
    );
    equal(await results, [1, "HubError: too\nlate", "third"]);
  },

  async "the hub's invocations are handled in any letter case, and answered if it asks"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const socket = await stage.socket(0);
    await stage.page.evaluate(() => {
      globalThis.got = [];
      hub.on("Told", (...args) => void got.push(args));
      hub.on("Ask", (n) => n + 1);
    });
    socket.say({ type: 1, target: "tOLD", arguments: [1, "x"] }, { type: 1, target: "Unknown", arguments: [] });
    socket.say({ type: 1, invocationId: "s1", target: "Ask", arguments: [41] });
    socket.say({ type: 1, invocationId: "s2", target: "Nobody", arguments: [] });
    const answer = await stage.heard(socket, (message) => message.invocationId === "s1");
    equal(answer, { type: 3, invocationId: "s1", result: 42 });
    const none = await stage.heard(socket, (message) => message.invocationId === "s2");
    equal(none, { type: 3, invocationId: "s2", error: "Client didn't provide a result." });
    equal(await stage.page.evaluate(() => got), [[1, "x"]]);
  },

  async "a Close that allows it brings a new connection, another one is the end"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const first = await stage.socket(0);
    const waiting = stage.page.evaluate(() => hub.invoke("Wait").catch(String));
    await stage.heard(first, (message) => message.type === 1);
    first.say({ type: 7, allowReconnect: true }, { type: 3, invocationId: "0", result: "too late" });
    equal(await waiting, "Error: the server asks to come back");
    await stage.page.clock.fastForward(2_000);
    const second = await stage.socket(1);
    ok(second.url.endsWith("id=token-2"), second.url);
    second.say({ type: 7, error: "Connection closed with an error." });
    await until(async () => (await stage.states()).at(-1).startsWith("closed"), "the end");
    await stage.page.clock.fastForward(120_000);
    equal(await stage.states(), [
      "connecting",
      "connected",
      "waiting: the server asks to come back",
      "connecting",
      "connected",
      "closed: Connection closed with an error.",
    ]);
    equal(stage.sockets.length, 2);
  },

  async "a server that falls silent is left after 30 seconds"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const socket = await stage.socket(0);
    await stage.page.clock.fastForward(20_000);
    socket.say({ type: 6 });
    await until(() => socket.heard.filter((message) => message.type === 6).length >= 2, "more pings");
    await stage.page.clock.fastForward(20_000);
    equal((await stage.states()).at(-1), "connected");
    await stage.page.clock.fastForward(12_000);
    await until(async () => (await stage.states()).includes("waiting: the server fell silent"), "leaving");
    await stage.page.clock.fastForward(2_000);
    await stage.socket(1);
  },

  async "a redirection is followed with its token"({ windows, url }) {
    const negotiate = (n) => (n === 1 ? { url: `${url}/elsewhere?x=1`, accessToken: "t" } : undefined);
    const stage = await Stage.open(windows, url, { negotiate });
    const socket = await stage.socket(0);
    const second = stage.negotiated[1];
    ok(second.url().endsWith("/elsewhere/negotiate?x=1&negotiateVersion=1"), second.url());
    equal(second.headers().authorization, "Bearer t");
    ok(socket.url.endsWith("/elsewhere?x=1&id=token-2&access_token=t"), socket.url);
  },

  async "refusals are tried again with growing pauses"({ windows, url }) {
    const stage = await Stage.open(windows, url, { negotiate: (n) => (n < 4 ? { error: "not now" } : undefined) });
    for (let n = 1; n < 4; n++) {
      await until(async () => (await stage.states()).filter((state) => state === "waiting: not now").length >= n, `refusal ${n}`);
      await stage.page.clock.fastForward([300, 1_000, 2_000][n - 1]);
    }
    await stage.socket(0);
    equal((await stage.states()).filter((state) => state === "connected").length, 1);
  },

  async "stop says Close and stays away"({ windows, url }) {
    const stage = await Stage.open(windows, url);
    const socket = await stage.socket(0);
    await stage.page.evaluate(() => hub.stop());
    await stage.heard(socket, (message) => message.type === 7);
    await stage.page.clock.fastForward(60_000);
    equal(stage.sockets.length, 1);
    equal(await stage.page.evaluate(() => hub.invoke("X").catch(String)), "Error: not connected");
  },
};
