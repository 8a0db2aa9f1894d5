// What a scenario is given, in Node and in a page alike: connections of the official client, closed when it ends.

import { within } from "./check.mjs";

const START_LIMIT_MS = 10_000;
let counter = 0;

/** Thrown by a scenario that says nothing about this column. */
class NotApplicable extends Error {}

export class Environment {
  /**
   * @param signalR the official client
   * @param packs its MessagePack protocol
   * @param {string} url of the server
   * @param {"js-node"|"js-chromium"} client that runs the scenario
   * @param {"WebSockets"|"ServerSentEvents"|"LongPolling"} transport that scenarios use unless they choose
   * @param {boolean} direct whether they do so without negotiation unless they choose
   * @param {"json"|"messagepack"} protocol that scenarios use unless they choose
   * @param {boolean} detailed whether the server tells details of errors
   * @param token asks for the token of a user: (user, kind, claims) to a promise
   * @param WebSocket a constructor, where the runtime has none
   */
  constructor({ direct = false, ...settings }) {
    Object.assign(this, { direct, ...settings });
    const { protocol, client, url } = settings;
    this.json = protocol === "json";
    this.browser = client === "js-chromium";
    this.scheme = new URL(url).protocol.replace(":", "");
    this.opened = [];
  }

  /** A text that no other call returns. */
  unique() {
    counter += 1;
    return `${Date.now().toString(36)}-${counter}`;
  }

  /** Ends the scenario: it does not apply here. Without a reason it is another column's business. */
  skip(why = "") {
    throw new NotApplicable(why);
  }

  /** How the start of a connection fails without a token. Over TLS pages speak HTTP/2, which has no words for a status. */
  get unauthorized() {
    const words = this.browser && this.scheme === "https" ? "" : "Unauthorized";
    return `Failed to complete negotiation with the server: Error: ${words}: Status code '401'`;
  }

  /** The transport's number in the official client. */
  get transportType() {
    return this.signalR.HttpTransportType[this.transport];
  }

  /** A connection of the official client that has not started; `path` is any path, `hub` one below `/hubs`. */
  build({ protocol = this.protocol, http = {}, query = "", hub = "conformance", path = `/hubs/${hub}`, reconnect } = {}) {
    const { HubConnectionBuilder, LogLevel } = this.signalR;
    const options = { transport: this.transportType, skipNegotiation: this.direct, ...http };
    // An EventSource brings no binary, and the client refuses to try.
    if (protocol === "messagepack" && options.transport === this.signalR.HttpTransportType.ServerSentEvents) {
      options.transport = this.signalR.HttpTransportType.LongPolling;
    }
    const builder = new HubConnectionBuilder()
      .withUrl(`${this.url}${path}${query && `?${query}`}`, options)
      .configureLogging(LogLevel.None);
    if (protocol === "messagepack") builder.withHubProtocol(new this.packs.MessagePackHubProtocol());
    if (reconnect) builder.withAutomaticReconnect(reconnect);
    const connection = builder.build();
    this.opened.push(connection);
    return connection;
  }

  /** The same, started; with a token of these claims where there is a user. */
  async open({ user, claims, ...options } = {}) {
    if (user) {
      const token = await this.token(user, "valid", claims);
      options.http = { accessTokenFactory: () => token, ...options.http };
    }
    const connection = this.build(options);
    await this.start(connection);
    return connection;
  }

  start(connection) {
    return within(connection.start(), START_LIMIT_MS, "the start of a connection");
  }

  /** A connection below hubs, as the client has it: text goes in and comes out. */
  raw(path, options = {}) {
    // The class is not exported; a connection of it is inside every hub connection.
    const { constructor: HttpConnection } = this.build().connection;
    const logger = options.logger ?? this.signalR.NullLogger.instance;
    const connection = new HttpConnection(`${this.url}${path}`, { logger, transport: this.transportType, ...options });
    this.opened.push({ stop: () => connection.stop() });
    return connection;
  }

  /** The body of a GET. */
  async get(path) {
    const response = await fetch(`${this.url}${path}`);
    return response.text();
  }

  /** Stops everything that was opened. */
  async close() {
    await Promise.all(this.opened.splice(0).map((connection) => connection.stop()));
  }
}

/** Runs one scenario in an environment of its own. Resolves with a reason where it does not apply. */
export async function run(scenario, settings) {
  const environment = new Environment(settings);
  try {
    await scenario(environment);
  } catch (error) {
    if (!(error instanceof NotApplicable)) throw error;
    return error.message;
  } finally {
    await environment.close();
  }
}
