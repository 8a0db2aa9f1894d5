// A network that breaks: a TCP proxy in front of a server.

import { connect, createServer } from "node:net";

export class Proxy {
  #pairs = new Set();

  constructor(port) {
    this.port = port;
    /** How long a new socket waits before it is carried. */
    this.delayMs = 0;
    this.listener = createServer((client) => this.#carry(client));
  }

  /** One in front of the server at this address; `url` is its own. */
  static async start(url) {
    const proxy = new Proxy(new URL(url).port);
    await new Promise((resolve) => proxy.listener.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  #carry(client) {
    const pair = { client, server: undefined, answer: "", live: false };
    this.#pairs.add(pair);
    const end = () => this.#reset(pair);
    client.setNoDelay(true);
    client.on("error", end).on("close", end);
    client.pause();
    const open = () => {
      if (!this.#pairs.has(pair)) return;
      const server = (pair.server = connect({ port: this.port, host: "127.0.0.1", noDelay: true }));
      server.on("error", end).on("close", end);
      server.on("data", (data) => {
        if (!pair.live) pair.live = this.#isLive(pair, data);
        client.write(data);
      });
      client.on("data", (data) => server.write(data)).resume();
    };
    setTimeout(open, this.delayMs);
  }

  /** Whether a WebSocket is open and its server has said something on it. */
  #isLive(pair, data) {
    pair.answer += data.toString("latin1");
    const end = pair.answer.indexOf("\r\n\r\n");
    return pair.answer.startsWith("HTTP/1.1 101") && end >= 0 && pair.answer.length > end + 4;
  }

  #reset(pair) {
    if (!this.#pairs.delete(pair)) return;
    pair.client.destroy();
    pair.server?.destroy();
  }

  /** Breaks every WebSocket on which its server has spoken, with what is on its way; says how many. A client tries to come
   *  back once, so that one that is about to do so is left alone. */
  breakAll() {
    const live = [...this.#pairs].filter((pair) => pair.live);
    for (const pair of live) {
      pair.client.resetAndDestroy();
      pair.server.resetAndDestroy();
      this.#reset(pair);
    }
    return live.length;
  }

  stop() {
    for (const pair of this.#pairs) this.#reset(pair);
    return new Promise((resolve) => this.listener.close(resolve));
  }
}
