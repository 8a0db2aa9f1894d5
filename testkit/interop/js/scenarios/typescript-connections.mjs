// The official TypeScript functional tests, TS-41 to TS-49: connections without a hub.

import { equal, ok, rejects, until, within } from "../lib/check.mjs";

const TEXT = "Hello World 你好 🎉";

/** Connects to something that echoes, sends a text, and stops. Resolves with what came back. */
async function echo(t, path, options) {
  const connection = t.raw(path, options);
  const came = [];
  connection.onreceive = (data) => came.push(data);
  const closed = new Promise((resolve) => (connection.onclose = resolve));
  await connection.start(t.signalR.TransferFormat.Text);
  await connection.send(TEXT);
  await until(() => came.join("").length >= TEXT.length, "the echo");
  await connection.stop();
  equal(await within(closed, 5_000, "the end"), undefined);
  return came;
}

/** A logger that keeps what it is told. */
const keeping = () => ({ lines: [], log(_, line) { this.lines.push(line); } });

/** Raw connections have no hub protocol. */
const once = (t) => (t.json ? t.skip("connections without a hub are not served yet") : t.skip());

export const connections = {
  async "raw: without naming a transport [TS-41]"(t) {
    once(t);
    if (t.transport !== "WebSockets") t.skip();
    equal(await echo(t, "/echo", { transport: undefined }), [TEXT]);
  },

  async "raw: what is sent comes back [TS-42]"(t) {
    once(t);
    equal(await echo(t, "/echo"), [TEXT]);
  },

  async "raw: what travels is not in the client's log [TS-43]"(t) {
    once(t);
    const logger = keeping();
    await echo(t, "/echo", { logger });
    ok(logger.lines.length > 0, "it logs");
    equal(logger.lines.filter((line) => line.includes(TEXT)), []);
  },

  async "raw: unless that is wanted, and then once each way [TS-44]"(t) {
    once(t);
    const logger = keeping();
    await echo(t, "/echo", { logger, logMessageContent: true });
    equal(logger.lines.filter((line) => line.includes(TEXT)).length, 2, "lines with the text");
  },

  async "raw: a page of another site without credentials [TS-45]"(t) {
    once(t);
    const url = t.url.replace("127.0.0.1", "localhost");
    const connection = t.raw("", { withCredentials: false });
    connection.baseUrl = `${url}/echo`;
    await connection.start(t.signalR.TransferFormat.Text);
    await connection.stop();
  },

  async "raw: a plain WebSocket without negotiation [TS-46]"(t) {
    once(t);
    if (t.transport !== "WebSockets") t.skip("about WebSockets");
    // Node 20 has none of its own.
    const { WebSocket = t.WebSocket } = globalThis;
    const socket = new WebSocket(`${t.url.replace("http", "ws")}/echo`);
    const heard = new Promise((resolve, reject) => {
      socket.onmessage = (event) => resolve(event.data);
      socket.onerror = () => reject(new Error("the socket failed"));
    });
    const closed = new Promise((resolve) => (socket.onclose = resolve));
    socket.onopen = () => socket.send(TEXT);
    equal(await within(heard, 5_000, "the echo"), TEXT);
    socket.close();
    const { code, wasClean } = await within(closed, 5_000, "the end");
    equal([code, wasClean], [1000, true]);
  },

  async "a client inside a web worker [TS-47]"(t) {
    if (!t.browser) t.skip("there are no web workers in Node");
    // Made of the page's own bytes: a worker of a made-up address would be denied the way to a local one.
    const source = await t.get("/__interop/worker.js");
    const worker = new Worker(URL.createObjectURL(new Blob([source])));
    const heard = new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
    const { transport, protocol } = t;
    worker.postMessage({ files: `${t.url}/__interop/`, url: `${t.url}/testhub`, transport, protocol, text: TEXT });
    equal(await within(heard, 10_000, "the worker"), TEXT);
    worker.terminate();
  },

  async "raw: a redirection by HTTP is followed [TS-48]"(t) {
    once(t);
    if (t.transport === "WebSockets") t.skip("a WebSocket follows no redirection");
    equal(await echo(t, "/echoredirect"), [TEXT]);
  },

  async "a refusal of negotiate says what the server says [TS-49]"(t) {
    const connection = t.build({ path: "/bad-negotiate" });
    await rejects(
      t.start(connection),
      (text) => text.includes("Some response from server") && text.includes("Status code '400'"),
    );
  },
};
