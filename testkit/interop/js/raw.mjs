// What the official client never does: old versions, wrong requests, ends without a word.

import { createRequire } from "node:module";
import net from "node:net";

import { equal, fail, ok, until, within } from "./lib/check.mjs";

// The WebSocket library that the official client brings.
const WebSocket = createRequire(createRequire(import.meta.url).resolve("@microsoft/signalr"))("ws");

const END = "\u001e";
const WAIT_MS = 10_000;

/** A WebSocket that keeps what it hears. */
class Socket {
  constructor(url) {
    this.heard = "";
    this.ws = new WebSocket(url.replace("http:", "ws:"));
    this.open = new Promise((resolve, reject) => {
      this.ws.on("open", resolve);
      this.ws.on("error", reject);
      this.ws.on("unexpected-response", (_, response) => {
        let body = "";
        response.on("data", (data) => (body += data));
        response.on("end", () => reject(new Error(`${response.statusCode} ${body}`)));
      });
    });
    this.open.catch(() => {});
    this.ws.on("message", (data) => (this.heard += data));
    this.closed = new Promise((resolve) => this.ws.on("close", (code) => resolve(code)));
  }

  static async shaken(url, protocol = "json") {
    const socket = new Socket(url);
    await within(socket.open, WAIT_MS, "the upgrade");
    socket.say(JSON.stringify({ protocol, version: 1 }));
    await socket.hears(`{}${END}`);
    return socket;
  }

  say(text) {
    this.ws.send(text + END);
  }

  /** Waits until it has heard this, and forgets everything up to there. */
  async hears(text) {
    await until(() => this.heard.includes(text), `hearing ${JSON.stringify(text)}, heard ${JSON.stringify(this.heard)}`);
    this.heard = this.heard.slice(this.heard.indexOf(text) + text.length);
  }

  async answer(id) {
    const [start, end] = [`{"type":3,"invocationId":"${id}",`, END];
    await until(() => this.heard.includes(start) && this.heard.slice(this.heard.indexOf(start)).includes(end), "an answer");
    const record = this.heard.slice(this.heard.indexOf(start)).split(end)[0];
    return JSON.parse(record).result;
  }
}

const negotiate = async (hub, query, init = {}) => {
  const response = await fetch(`${hub}/negotiate${query}`, { method: "POST", ...init });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
};

export const raw = {
  async "negotiate: without a version the id is the token"({ hub }) {
    const { status, type, body } = await negotiate(hub, "");
    equal([status, type], [200, "application/json"]);
    const answer = JSON.parse(body);
    equal([answer.negotiateVersion, "connectionToken" in answer], [0, false]);
    const socket = await Socket.shaken(`${hub}?id=${answer.connectionId}`);
    socket.say('{"type":1,"invocationId":"1","target":"GetCallerConnectionId","arguments":[]}');
    equal(await socket.answer(1), answer.connectionId);
    socket.ws.terminate();
  },

  async "negotiate: version 1 has a token that is not the id"({ hub }) {
    const answer = JSON.parse((await negotiate(hub, "?negotiateVersion=1")).body);
    equal(answer.negotiateVersion, 1);
    ok(answer.connectionToken !== answer.connectionId, "token and id differ");
    ok(/^[A-Za-z0-9_.~-]+$/.test(answer.connectionToken), "the token needs no escaping");
    equal(answer.availableTransports[0], { transport: "WebSockets", transferFormats: ["Text", "Binary"] });
    const byId = new Socket(`${hub}?id=${answer.connectionId}`);
    equal(await byId.open.catch((error) => error.message), "404 No Connection with that ID");
    const byToken = await Socket.shaken(`${hub}?id=${answer.connectionToken}`);
    const second = new Socket(`${hub}?id=${answer.connectionToken}`);
    equal(await second.open.catch((error) => error.message), "409 ");
    byToken.ws.terminate();
  },

  async "negotiate: versions that are none, and other methods"({ hub }) {
    const { status, body } = await negotiate(hub, "?negotiateVersion=one");
    equal([status, body], [200, '{"error":"The client requested a non-integer protocol version."}']);
    equal(JSON.parse((await negotiate(hub, "?negotiateVersion=7")).body).negotiateVersion, 1);
    equal((await negotiate(hub, "", { method: "GET", body: undefined })).status, 405);
  },

  async "handshake: what is refused is said"({ hub }) {
    const cases = [
      ['{"protocol":"xyz","version":1}', "The protocol 'xyz' is not supported."],
      ['{"protocol":"json","version":3}', "The server does not support version 3 of the 'json' protocol."],
    ];
    for (const [request, error] of cases) {
      const socket = new Socket(hub);
      await within(socket.open, WAIT_MS, "the upgrade");
      socket.say(request);
      await socket.hears(JSON.stringify({ error }) + END);
      equal(await within(socket.closed, WAIT_MS, "the end"), 1000);
    }
  },

  async "end: a close frame without a status is answered by 1000"({ hub }) {
    const socket = await Socket.shaken(hub);
    socket.ws.close();
    equal(await within(socket.closed, WAIT_MS, "the end"), 1000);
  },

  async "end: a socket that is cut ends its connection once"({ hub }) {
    const [observer, socket] = [await Socket.shaken(hub), await Socket.shaken(hub)];
    socket.say('{"type":1,"invocationId":"1","target":"GetCallerConnectionId","arguments":[]}');
    const id = await socket.answer(1);
    socket.ws.terminate();
    equal((await endsOf(observer, id)).length, 1);
    observer.ws.terminate();
  },

  async "end: a client that falls silent without a word is given up within the client timeout, once"({ quick }) {
    const observer = await Socket.shaken(quick);
    const pings = setInterval(() => observer.say('{"type":6}'), 500);
    const socket = await Socket.shaken(quick);
    socket.say('{"type":6}');
    socket.say('{"type":1,"invocationId":"1","target":"GetCallerConnectionId","arguments":[]}');
    const id = await socket.answer(1);
    // The TCP connection stays, but from now on nobody reads or writes.
    socket.ws._socket.pause();
    const events = await endsOf(observer, id);
    clearInterval(pings);
    equal(events.length, 1);
    ok(events[0].includes("ClientTimeoutInterval"), events[0]);
    socket.ws.terminate();
    observer.ws.terminate();
  },

  async "bad input closes its connection with the documented text, and no other one"({ hub }) {
    const witness = await Socket.shaken(hub);
    const deep = `${"[".repeat(100)}${"]".repeat(100)}`;
    const bad = [
      "{",
      "[]",
      '"x"',
      "garbage \0 \x7f",
      '{"type":1}',
      '{"type":"1"}',
      '{"type":3,"invocationId":"1","result":1,"error":"both"}',
      `{"type":1,"target":"EchoObject","arguments":[${deep}]}`,
      `{"type":6,"padding":"${"x".repeat(33 * 1024)}"}`,
    ];
    for (const text of bad) {
      const socket = await Socket.shaken(hub);
      socket.say(text);
      await socket.hears('{"type":7,"error":"Connection closed with an error.');
      ok(socket.heard.includes('"allowReconnect":true'), `a client that sent ${text} may reconnect`);
      equal(await within(socket.closed, WAIT_MS, "the end"), 1000);
    }
    witness.say('{"type":1,"invocationId":"w","target":"Echo","arguments":["alive"]}');
    equal(await witness.answer("w"), "alive");
    witness.ws.terminate();
  },

  async "bad input in MessagePack closes its connection, and no other one"({ hub }) {
    const witness = await Socket.shaken(hub);
    const bad = {
      "a zero-length frame": [0x00],
      "a prefix of six bytes": [0xff, 0xff, 0xff, 0xff, 0xff, 0x07],
      "more than the limit of one message": [0xff, 0xff, 0xff, 0x07, ...Array(33 * 1024).fill(0)],
      "a map": [0x01, 0x80],
      "an empty array": [0x01, 0x90],
      "a length that nothing follows": [0x06, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x01],
      "a type that is a text": [0x03, 0x91, 0xa1, 0x31],
    };
    for (const [what, bytes] of Object.entries(bad)) {
      const socket = await Socket.shaken(hub, "messagepack");
      socket.ws.send(Buffer.from(bytes));
      await socket.hears("Connection closed with an error.").catch((error) => fail(`${what}: ${error.message}`));
      equal(await within(socket.closed, WAIT_MS, `the end after ${what}`), 1000);
    }
    // Nested too deeply, an argument fails its invocation or its connection, as the codec decides; never more.
    const socket = await Socket.shaken(hub, "messagepack");
    const invocation = [0x96, 1, 0x80, 0xa1, 0x31, 0xaa, ...Buffer.from("EchoObject"), 0x91, ...Array(500).fill(0x91), 0xc0, 0x90];
    socket.ws.send(Buffer.from([0x80 | (invocation.length & 0x7f), invocation.length >> 7, ...invocation]));
    await until(() => /due to an error on the server|closed with an error/.test(socket.heard), "an answer");
    socket.ws.terminate();
    witness.say('{"type":1,"invocationId":"w","target":"Echo","arguments":["alive"]}');
    equal(await witness.answer("w"), "alive");
    witness.ws.terminate();
  },

  async "bad frames close with a WebSocket status, garbage on the stream too"({ hub }) {
    const { port, hostname, pathname } = new URL(hub);
    const frames = {
      "an unmasked frame": [Buffer.from([0x81, 0x01, 0x41]), 1002],
      "a reserved opcode": [Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
      "text that is not UTF-8": [Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1007],
      "a truncated frame": [Buffer.from([0x81, 0xfe, 0x10]), null],
    };
    for (const [what, [bytes, status]] of Object.entries(frames)) {
      const socket = net.connect(port, hostname);
      const heard = [];
      socket.on("data", (data) => heard.push(data));
      socket.on("error", () => {});
      const ended = new Promise((resolve) => socket.on("close", resolve));
      const key = Buffer.alloc(16).toString("base64");
      socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
      await until(() => Buffer.concat(heard).includes("\r\n\r\n"), "the upgrade");
      heard.length = 0;
      socket.write(bytes);
      if (status === null) socket.end();
      else await until(() => Buffer.concat(heard).length >= 4, `an answer to ${what}`);
      if (status !== null) equal(Buffer.concat(heard).readUInt16BE(2), status, what);
      socket.end();
      await within(ended, WAIT_MS, `the end after ${what}`);
    }
  },
};

/** Waits until a hub noted the end of a connection, and returns what it noted. */
async function endsOf(observer, id) {
  let asked = 0;
  return until(async () => {
    const ask = `ends-${(asked += 1)}`;
    observer.say(`{"type":1,"invocationId":"${ask}","target":"GetEvents","arguments":["${id}"]}`);
    const ends = (await observer.answer(ask)).filter((event) => event.startsWith("disconnected"));
    return ends.length > 0 && ends;
  }, "on_disconnected");
}
