// The official TypeScript functional tests, TS-1 to TS-22 (reference signalr-core 18.2).

import { closed, collect, equal, Inbox, ok, rejects, Source, within } from "../lib/check.mjs";

const HELLO = "你好，世界！ Hello, World! 🎉";

/** Starts a connection to the suite's own hub. */
const open = (t, options) => t.open({ path: "/testhub", ...options });

/** What a method of the client answers to the server, as its endpoint says it. */
async function clientResult(t, prepare) {
  const connection = await open(t);
  prepare(connection);
  return t.get(`/clientresult/${await connection.invoke("GetCallerConnectionId")}`);
}

const threw = (method) =>
  `An unexpected error occurred invoking '${method}' on the server. InvalidOperationException: An error occurred.`;
const wrongly = (method, is, way) =>
  `The client attempted to invoke the ${is} '${method}' method with a ${way} invocation.`;

async function echoes(t) {
  const connection = await open(t);
  const close = closed(connection);
  equal(await connection.invoke("Echo", HELLO), HELLO);
  await connection.stop();
  equal(await close, undefined);
}

export const typescript = {
  "invoke and get a result [TS-1]": echoes,

  async "the same over TLS [TS-2]"(t) {
    if (t.scheme !== "https") t.skip();
    await echoes(t);
  },

  async "a send is not waited for [TS-3]"(t) {
    const connection = await open(t);
    const inbox = new Inbox(connection, "Message");
    await connection.send("InvokeWithString", HELLO);
    equal(await inbox.next(), ["Message", HELLO]);
  },

  async "an object keeps its members [TS-4]"(t) {
    const connection = await open(t);
    const inbox = new Inbox(connection, "CustomObject");
    const object = { Name: "test", Value: 42 };
    await connection.send("SendCustomObject", object);
    equal(await inbox.next(), ["CustomObject", object]);
  },

  async "a stream [TS-5]"(t) {
    const connection = await open(t);
    equal(await collect(connection.stream("Stream")), { items: ["a", "b", "c"], error: null });
  },

  async "an infinite stream is cancelled [TS-6]"(t) {
    const connection = await open(t);
    const inbox = new Inbox(connection, "StreamCanceled");
    const nothing = { next() {}, complete() {}, error() {} };
    connection.stream("InfiniteStream").subscribe(nothing).dispose();
    equal(await inbox.next(), ["StreamCanceled"]);
  },

  async "a method throws [TS-7]"(t) {
    const connection = await open(t);
    await rejects(connection.invoke("ThrowException", "An error occurred."), threw("ThrowException"));
  },

  async "an empty stream is invoked [TS-8]"(t) {
    const connection = await open(t);
    await rejects(connection.invoke("EmptyStream"), wrongly("EmptyStream", "streaming", "non-streaming"));
  },

  async "a stream is invoked [TS-9]"(t) {
    const connection = await open(t);
    await rejects(connection.invoke("Stream"), wrongly("Stream", "streaming", "non-streaming"));
  },

  async "a streaming method throws first [TS-10]"(t) {
    const connection = await open(t);
    const { items, error } = await collect(connection.stream("StreamThrowException", "An error occurred."));
    equal([items, error], [[], threw("StreamThrowException")]);
  },

  async "an ordinary method is streamed [TS-11]"(t) {
    const connection = await open(t);
    const { error } = await collect(connection.stream("Echo", "42"));
    equal(error, wrongly("Echo", "non-streaming", "streaming"));
  },

  async "the server calls in another letter case [TS-12]"(t) {
    const connection = await open(t);
    const inbox = new Inbox(connection, "message");
    await connection.invoke("invokeWithString", HELLO);
    equal(await inbox.next(), ["message", HELLO]);
  },

  async "stop and start again [TS-13]"(t) {
    const connection = await open(t);
    const inbox = new Inbox(connection, "Message");
    await connection.invoke("InvokeWithString", "first");
    equal(await inbox.next(), ["Message", "first"]);
    await connection.stop();
    await t.start(connection);
    await connection.invoke("InvokeWithString", "second");
    equal(await inbox.next(), ["Message", "second"]);
  },

  async "a hub that cannot be created [TS-14]"(t) {
    const connection = t.build({ path: "/uncreatable" });
    const close = closed(connection);
    const refusal =
      "Server returned an error on close: Connection closed with an error. InvalidOperationException: Unable to resolve service for type 'System.Object' while attempting to activate 'FunctionalTests.UncreatableHub'.";
    const failure = await t.start(connection).then(
      () => close,
      (error) => error,
    );
    const gone = t.transport === "ServerSentEvents" && failure?.message.includes("Status code '404'");
    ok(gone || failure?.message.includes(refusal), `ended with ${failure?.message}`);
  },

  async "complex types are sent [TS-15]"(t) {
    const connection = await open(t);
    const date = "2002-04-01T10:20:15Z";
    const object = {
      ByteArray: t.json ? "aGVsbG8=" : new TextEncoder().encode("hello"),
      DateTime: t.json ? date : new Date(date),
      Guid: "00010203-0405-0607-0706-050403020100",
      IntArray: [0x01, 0x02, 0x03, 0xff],
      String: "hello world",
    };
    equal(await connection.invoke("EchoComplexObject", object), object);
  },

  async "complex types are received [TS-16]"(t) {
    const connection = await open(t);
    const date = "2000-01-01T00:00:00Z";
    equal(await connection.invoke("SendComplexObject"), {
      ByteArray: t.json ? "AQID" : Uint8Array.from([1, 2, 3]),
      DateTime: t.json ? date : new Date(date),
      Guid: "00010203-0405-0607-0706-050403020100",
      IntArray: [1, 2, 3],
      String: "hello world",
    });
  },

  async "a start from the close handler [TS-17]"(t) {
    const connection = await open(t);
    const restarted = new Promise((resolve, reject) => {
      connection.onclose(() => connection.start().then(resolve, reject));
    });
    equal(await connection.invoke("Echo", HELLO), HELLO);
    await connection.stop();
    await within(restarted, 10_000, "the second start");
    equal(await connection.invoke("Echo", HELLO), HELLO);
  },

  async "an upload [TS-18]"(t) {
    const connection = await open(t);
    const source = new Source();
    const concat = connection.invoke("StreamingConcat", source.stream);
    source.give("Hello ", "world", "!").complete();
    equal(await concat, "Hello world!");
  },

  async "an upload that fails [TS-19]"(t) {
    const connection = await open(t);
    const source = new Source();
    const concat = connection.invoke("StreamingConcat", source.stream);
    source.give("Hello ").fail(new Error("Something bad"));
    const text = "An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: ";
    // The client puts words of its own around the error's text where it is an Error.
    await rejects(concat, (got) => got.startsWith(text) && got.endsWith("Something bad"));
  },

  async "a client's result [TS-20]"(t) {
    equal(await clientResult(t, (connection) => connection.on("Result", async () => 10)), "10");
  },

  async "a client's result that throws [TS-21]"(t) {
    const fails = () => {
      throw new Error("from callback");
    };
    equal(await clientResult(t, (connection) => connection.on("Result", fails)), "Error: from callback");
  },

  async "a client's result without a handler [TS-22]"(t) {
    equal(await clientResult(t, () => {}), "Client didn't provide a result.");
  },
};
