// The columns: every transport with every hub protocol that it carries, over HTTP and over HTTPS.

/** How one run of the scenarios connects. */
export class Column {
  constructor(transport, protocol, { direct = false } = {}) {
    Object.assign(this, { transport, protocol, direct });
  }

  get name() {
    return `${this.transport}${this.direct ? " (direct)" : ""}, ${this.protocol}`;
  }

  /** What a scenario is told of it. */
  get settings() {
    const { transport, protocol, direct } = this;
    return { transport, protocol, direct };
  }

  /** Where its results stand in the table. */
  place(client, scheme) {
    const transport = this.direct ? "WebSockets, direct" : this.transport;
    return { client, transport, protocol: this.protocol, scheme };
  }

  /** Whether a scenario says something about this column. */
  takes(name) {
    // Without negotiation a client does not know its id, which most scenarios go by.
    return !this.direct || /^(values|errors|streams):/.test(name);
  }
}

/** Server-sent events carry text alone. */
export const COLUMNS = [
  new Column("WebSockets", "json"),
  new Column("WebSockets", "messagepack"),
  new Column("WebSockets", "json", { direct: true }),
  new Column("WebSockets", "messagepack", { direct: true }),
  new Column("ServerSentEvents", "json"),
  new Column("LongPolling", "json"),
  new Column("LongPolling", "messagepack"),
];
