// One connection to a hub: SignalR's JSON protocol over a WebSocket, as much of it as a page needs.
//
// Invocations both ways, pings, timeouts, and coming back by itself. No streams, no other transport:
// the official client has those, and it speaks to the same hub.

const END = "\u001e"; // every message on the wire ends with the record separator
const PING_EVERY_MS = 15_000;
const SERVER_TIMEOUT_MS = 30_000;
const BACKOFF_MS = [300, 1_000, 2_000, 4_000, 8_000, 15_000];
const REDIRECTS_MAX = 5;

const Type = { invocation: 1, completion: 3, ping: 6, close: 7 };

/** What the hub said when it refused an invocation; `message` is fit for a person. */
export class HubError extends Error {
  constructor(text) {
    // The wire wraps what the hub meant for people into a sentence of the protocol.
    super(text.match(/HubException: (.*)$/s)?.[1] ?? text);
    this.name = "HubError";
  }
}

export class HubConnection {
  /** @param {string} url of the hub, relative to the page */
  constructor(url) {
    this.url = new URL(url, document.baseURI);
    this.state = "closed"; // closed, connecting, connected, waiting
    this.id = null;
    this.handlers = new Map();
    this.onstate = () => {};
    this.waiting = new Map(); // invocation id to the promise's two ends
    this.nextId = 0;
    this.attempt = 0;
    // A page that comes back to life should not sit out a long pause.
    const wake = () => this.state === "waiting" && this.#open();
    addEventListener("online", wake);
    document.addEventListener("visibilitychange", () => document.hidden || wake());
  }

  /** What to do when the hub invokes `target`. A value that it returns is the answer, if the hub asked for one. */
  on(target, handler) {
    this.handlers.set(target.toLowerCase(), handler);
  }

  /** Connects, and stays connected until `stop`; `onstate` tells how it goes. */
  start() {
    if (this.state === "closed") this.#open();
  }

  /** Ends the connection for good. */
  stop() {
    this.#write({ type: Type.close });
    this.#end("the connection was stopped");
  }

  /** Invokes a method of the hub; resolves with its result, rejects with a `HubError` or when the connection is lost. */
  invoke(target, ...args) {
    if (this.state !== "connected") return Promise.reject(new Error("not connected"));
    const id = String(this.nextId++);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.#send({ type: Type.invocation, invocationId: id, target, arguments: args });
    });
  }

  async #open() {
    clearTimeout(this.retryTimer);
    this.#enter("connecting");
    const life = (this.life = {}); // whatever belongs to an earlier attempt is not listened to
    try {
      const { url, id } = await this.#negotiate();
      if (this.life !== life) return;
      const socket = (this.socket = new WebSocket(url));
      socket.binaryType = "arraybuffer";
      this.shaken = false;
      this.id = id;
      const only = (handler) => (event) => this.life === life && handler(event);
      socket.onopen = only(() => this.#write({ protocol: "json", version: 1 }));
      socket.onmessage = only((event) => this.#receive(event.data));
      socket.onclose = only(() => this.#lost("the connection was lost"));
      this.#heard();
    } catch (error) {
      if (this.life === life) this.#lost(error.message);
    }
  }

  async #negotiate() {
    let base = this.url;
    let token = null;
    for (let hop = 0; hop < REDIRECTS_MAX; hop++) {
      const at = new URL(base);
      at.pathname = `${at.pathname.replace(/\/$/, "")}/negotiate`;
      at.searchParams.set("negotiateVersion", "1");
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const signal = AbortSignal.timeout(PING_EVERY_MS);
      const response = await fetch(at, { method: "POST", headers, signal });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const answer = await response.json();
      if (answer.error) throw new Error(answer.error);
      if (answer.url) {
        base = new URL(answer.url, base);
        token = answer.accessToken ?? token;
        continue;
      }
      const socket = new URL(base);
      socket.protocol = socket.protocol.replace("http", "ws");
      socket.searchParams.set("id", answer.connectionToken ?? answer.connectionId);
      if (token) socket.searchParams.set("access_token", token);
      return { url: socket, id: answer.connectionId };
    }
    throw new Error("too many redirections");
  }

  #receive(data) {
    this.#heard();
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    for (const message of text.split(END).filter(Boolean).map((part) => JSON.parse(part))) {
      if (!this.socket) return; // a Close came before
      if (this.shaken) this.#handle(message);
      else if (message.error) return this.#end(message.error);
      else this.#established();
    }
  }

  #established() {
    this.shaken = true;
    this.attempt = 0;
    this.#ping();
    this.pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#enter("connected");
  }

  #handle(message) {
    switch (message.type) {
      case Type.invocation:
        return this.#invoked(message);
      case Type.completion: {
        const end = this.waiting.get(message.invocationId);
        this.waiting.delete(message.invocationId);
        if (message.error !== undefined) end?.reject(new HubError(message.error));
        else end?.resolve(message.result);
        return;
      }
      case Type.ping:
        // Timers of a hidden page run late, its messages do not: the server's beat keeps ours.
        if (performance.now() - this.sentAt > PING_EVERY_MS / 2) this.#ping();
        return;
      case Type.close:
        if (message.allowReconnect) return this.#lost(message.error ?? "the server asks to come back");
        return this.#end(message.error ?? "the server ended the connection");
      // Other types are news from a newer protocol: not ours, and no error.
    }
  }

  async #invoked({ target, arguments: args, invocationId }) {
    const handler = this.handlers.get(target.toLowerCase());
    const answer = { type: Type.completion, invocationId };
    try {
      const result = await handler?.(...args);
      if (result === undefined) answer.error = "Client didn't provide a result.";
      else answer.result = result;
    } catch (error) {
      console.error(error);
      answer.error = String(error);
    }
    if (invocationId) this.#send(answer);
  }

  #ping() {
    this.#send({ type: Type.ping });
  }

  #send(message) {
    if (this.shaken) this.#write(message);
  }

  #write(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify(message) + END);
    this.sentAt = performance.now();
  }

  #heard() {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.#lost("the server fell silent"), SERVER_TIMEOUT_MS);
  }

  /** The connection is gone and wanted back. */
  #lost(reason) {
    this.#drop(reason);
    const pause = BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)];
    // Half of the pause is chance, so that a crowd does not come back in step.
    const afterMs = pause * (0.5 + Math.random() / 2);
    this.retryTimer = setTimeout(() => this.#open(), afterMs);
    this.#enter("waiting", { reason, afterMs });
  }

  /** The connection is gone and not wanted back. */
  #end(reason) {
    this.#drop(reason);
    this.#enter("closed", { reason });
  }

  #drop(reason) {
    for (const timer of [this.retryTimer, this.pingTimer, this.silenceTimer]) clearTimeout(timer);
    this.life = null;
    this.shaken = false;
    this.socket?.close();
    this.socket = null;
    this.id = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(new Error(reason));
  }

  #enter(state, detail = {}) {
    this.state = state;
    this.onstate(state, detail);
  }
}
