// From start to end: reference signalr-core 3, 13, 16.2.

import { closed, collect, equal, Inbox, ok, rejects, until, within } from "../lib/check.mjs";

/** What the hub noted of a connection's end. */
async function ends(observer, id) {
  const events = await observer.invoke("GetEvents", id);
  return events.filter((event) => event.startsWith("disconnected"));
}

export const lifecycle = {
  async "the connection id is the one that the hub knows, and gone when stopped"(t) {
    const connection = await t.open();
    equal(connection.connectionId, await connection.invoke("GetCallerConnectionId"));
    equal(await connection.invoke("GetActiveTransportName"), t.transport);
    await connection.stop();
    equal(connection.connectionId, null);
  },

  async "without negotiation there is a connection whose id the client does not know"(t) {
    if (t.transport !== "WebSockets") t.skip();
    const connection = await t.open({ http: { skipNegotiation: true } });
    equal(connection.connectionId, null);
    equal(await connection.invoke("Echo", "x"), "x");
    ok((await connection.invoke("GetCallerConnectionId")).length > 0, "the hub knows an id");
  },

  async "stop closes without an error, and the hub is told once [HH-28]"(t) {
    const [observer, connection] = [await t.open(), await t.open()];
    const id = connection.connectionId;
    // The start of a client returns when its handshake is answered; on_connected runs after that.
    await until(async () => (await observer.invoke("GetEvents", id)).includes("connected user=null"), "on_connected");
    const close = closed(connection);
    await connection.stop();
    equal(await close, undefined);
    await until(async () => (await ends(observer, id)).length > 0, "on_disconnected");
    equal(await ends(observer, id), ["disconnected none"]);
    await rejects(connection.invoke("Echo", "x"), (text) => text.includes("not in the 'Connected' State"));
  },

  async "an abort by the hub ends the client for good [HH-23]"(t) {
    const observer = await t.open();
    const connection = await t.open({ reconnect: [0, 0, 0] });
    const id = connection.connectionId;
    let reconnecting = 0;
    connection.onreconnecting(() => (reconnecting += 1));
    const close = closed(connection);
    await connection.send("Abort");
    equal(await close, undefined);
    equal(reconnecting, 0);
    await until(async () => (await ends(observer, id)).length > 0, "on_disconnected");
    equal((await ends(observer, id)).length, 1);
  },

  async "a stopped connection starts again with its handlers and a new id"(t) {
    const connection = await t.open();
    const inbox = new Inbox(connection, "Message");
    const first = connection.connectionId;
    await connection.stop();
    await connection.start();
    ok(connection.connectionId !== first, "a new id");
    await connection.invoke("InvokeWithString", "again");
    equal(await inbox.next(), ["Message", "again"]);
  },

  async "a connection starts again from its close handler"(t) {
    const connection = await t.open();
    const restarted = new Promise((resolve, reject) => {
      connection.onclose(() => connection.start().then(resolve, reject));
    });
    await connection.send("Abort");
    await within(restarted, 10_000, "the second start");
    equal(await connection.invoke("Echo", "x"), "x");
  },

  async "a connection whose transport breaks comes back by itself with a new id"(t) {
    const connection = await t.open({ reconnect: [0, 50, 100, 200] });
    const first = connection.connectionId;
    const back = within(new Promise((resolve) => connection.onreconnected(resolve)), 10_000, "the reconnect");
    // As the official tests do: the client's own transport is told that it broke.
    connection.connection.transport.onclose(new Error("broken by the test"));
    const second = await back;
    ok(second && second !== first, "another id");
    equal(await connection.invoke("GetCallerConnectionId"), second);
  },

  async "a hub that does not exist is not found"(t) {
    await rejects(t.open({ hub: "nowhere" }), (text) => text.includes("Status code '404'"));
  },

  async "an invocation that still runs when its connection ends is told [HH-21]"(t) {
    const [observer, connection] = [await t.open(), await t.open()];
    const id = connection.connectionId;
    const waiting = connection.invoke("BlockingMethod");
    const failed = rejects(waiting, (text) => text.includes("connection being closed"));
    failed.catch(() => {});
    // Takes no slot, and comes behind it.
    await collect(connection.stream("Stream"));
    await connection.stop();
    await failed;
    await until(
      async () => (await observer.invoke("GetEvents", id)).includes("BlockingMethod saw ConnectionAborted"),
      "the running method's news",
    );
  },

  async "a message over the limit closes its connection alone [HH-11]"(t) {
    const [observer, connection] = [await t.open(), await t.open()];
    const close = closed(connection);
    await connection.invoke("Echo", "x".repeat(33 * 1024)).catch(() => {});
    const text = (await close)?.message ?? "";
    ok(text.startsWith("Server returned an error on close: Connection closed with an error."), text);
    equal(await observer.invoke("Echo", "alive"), "alive");
  },
};
