// What a scenario is given, in Node and in a page alike: connections of the official client, closed when it ends.

import { within } from "./check.mjs";

const START_LIMIT_MS = 10_000;
let counter = 0;

export class Environment {
  /**
   * @param signalR the official client
   * @param packs its MessagePack protocol
   * @param {string} url of the server
   * @param {"json"|"messagepack"} protocol that scenarios use unless they choose
   * @param {boolean} detailed whether the server tells details of errors
   * @param token asks for the token of a user: (user, kind) to a promise
   */
  constructor({ signalR, packs, url, protocol, detailed, token }) {
    Object.assign(this, { signalR, packs, url, protocol, detailed, token });
    this.json = protocol === "json";
    this.opened = [];
  }

  /** A text that no other call returns. */
  unique() {
    counter += 1;
    return `${Date.now().toString(36)}-${counter}`;
  }

  /** Connects by the official client. */
  async open({ protocol = this.protocol, user, http = {}, query = "", hub = "conformance", reconnect } = {}) {
    const { HubConnectionBuilder, HttpTransportType, LogLevel } = this.signalR;
    const options = { transport: HttpTransportType.WebSockets, ...http };
    if (user) {
      const token = await this.token(user);
      options.accessTokenFactory = () => token;
    }
    const builder = new HubConnectionBuilder()
      .withUrl(`${this.url}/hubs/${hub}${query && `?${query}`}`, options)
      .configureLogging(LogLevel.None);
    if (protocol === "messagepack") builder.withHubProtocol(new this.packs.MessagePackHubProtocol());
    if (reconnect) builder.withAutomaticReconnect(reconnect);
    const connection = builder.build();
    this.opened.push(connection);
    await within(connection.start(), START_LIMIT_MS, "the start of a connection");
    return connection;
  }

  /** Stops everything that was opened. */
  async close() {
    await Promise.all(this.opened.splice(0).map((connection) => connection.stop()));
  }
}

/** Runs one scenario in an environment of its own. */
export async function run(scenario, settings) {
  const environment = new Environment(settings);
  try {
    await scenario(environment);
  } finally {
    await environment.close();
  }
}
