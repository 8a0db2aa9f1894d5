// Streams both ways, and results of clients: reference signalr-core 12.3, 12.4, 18.2 (TS-5 to TS-11, TS-18 to TS-22).

import { collect, equal, Inbox, rejects, Source } from "../lib/check.mjs";

const numbers = (count) => Array.from({ length: count }, (_, n) => String(n));

export const streams = {
  async "items come in order, then the end [HH-70]"(t) {
    const connection = await t.open();
    equal(await collect(connection.stream("Stream")), { items: ["a", "b", "c"], error: null });
    equal(await collect(connection.stream("EmptyStream")), { items: [], error: null });
    for (const method of ["CounterChannel", "CounterChannelAsync", "CounterAsyncEnumerable"]) {
      equal(await collect(connection.stream(method, 1000)), { items: numbers(1000), error: null });
    }
  },

  async "a stream that is cancelled ends on the server [HH-71]"(t) {
    const connection = await t.open();
    const cancelled = new Inbox(connection, "StreamCanceled");
    const subscription = connection.stream("InfiniteStream").subscribe({ next() {}, error() {}, complete() {} });
    await connection.invoke("Echo", "x");
    subscription.dispose();
    await cancelled.next();
  },

  async "a stream that fails brings what came before its error [HH-73]"(t) {
    const connection = await t.open();
    const { items, error } = await collect(connection.stream("CounterThenException", 2, true));
    equal(items, ["0", "1"]);
    equal(error.startsWith("An error occurred on the server while streaming results. HubException: "), true);
    equal(await connection.invoke("Echo", "alive"), "alive");
  },

  async "a method is called in its own mode"(t) {
    const connection = await t.open();
    await rejects(
      connection.invoke("Stream"),
      "The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.",
    );
    const { error } = await collect(connection.stream("Echo", "x"));
    equal(error, "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.");
  },

  async "uploads reach the method [HH-80]"(t) {
    const connection = await t.open();
    const source = new Source().give("Hello ", "world", "!").complete();
    equal(await connection.invoke("StreamingConcat", source.stream), "Hello world!");
    const many = new Source().give(...Array(500).fill(2)).complete();
    equal(await connection.invoke("StreamingSum", many.stream), 1000);
  },

  async "an upload that fails fails its reader [HH-85]"(t) {
    const connection = await t.open();
    const source = new Source().give("x").fail(new Error("Something bad"));
    await rejects(
      connection.invoke("StreamingConcat", source.stream),
      (text) => text.includes("An unexpected error occurred invoking 'StreamingConcat' on the server. HubException:") && text.includes("Something bad"),
    );
    equal(await connection.invoke("Echo", "alive"), "alive");
  },

  async "both ways at once [HH-80]"(t) {
    const connection = await t.open();
    const source = new Source();
    const echoed = collect(connection.stream("StreamEcho", source.stream));
    source.give(...numbers(50)).complete();
    equal(await echoed, { items: numbers(50).map((n) => `echo:${n}`), error: null });
  },

  async "a stream leaves room for invocations [HH-55, HH-76]"(t) {
    const connection = await t.open();
    const endless = connection.stream("InfiniteStream").subscribe({ next() {}, error() {}, complete() {} });
    equal(await connection.invoke("Echo", "beside it"), "beside it");
    endless.dispose();
  },
};

export const results = {
  async "a client answers a hub [CR-1, CR-6]"(t) {
    const connection = await t.open();
    connection.on("Sum", (n) => n + 1);
    equal(await connection.invoke("GetClientResult", 9), 10);
    equal(await connection.invoke("GetClientResultTwoWays", 1, 2), 5);
  },

  async "a client that fails, and one that does not answer [CR-2]"(t) {
    const connection = await t.open();
    connection.on("Sum", () => {
      throw new Error("from callback");
    });
    await rejects(connection.invoke("GetClientResult", 1), (text) => text.endsWith("HubException: Error: from callback"));
    connection.off("Sum");
    await rejects(connection.invoke("GetClientResult", 1), (text) => text.endsWith("HubException: Client didn't provide a result."));
    equal(await connection.invoke("Echo", "alive"), "alive");
  },

  async "another client is asked [CR-5]"(t) {
    const [ana, ben] = [await t.open(), await t.open()];
    ben.on("Sum", (n) => n + 41);
    equal(await ana.invoke("AskConnection", ben.connectionId), "42");
  },

  async "a result is awaited while the same client floods [CR-6]"(t) {
    const connection = await t.open();
    connection.on("Sum", async (n) => n + 1);
    const asked = connection.invoke("GetClientResult", 1);
    const flood = Promise.all(numbers(200).map((n) => connection.invoke("Echo", n)));
    equal(await asked, 2);
    equal(await flood, numbers(200));
  },
};
