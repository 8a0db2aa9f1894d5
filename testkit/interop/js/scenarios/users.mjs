// Tokens: by header in Node, by `access_token` for a browser's WebSocket.

import { equal, Inbox, ok, rejects } from "../lib/check.mjs";

const BAD = ["expired", "forged", "none", "garbage"];

export const users = {
  async "the token says who the user is [HH-30]"(t) {
    const connection = await t.open({ user: "ana" });
    equal(await connection.invoke("GetUserIdentifier"), "ana");
    const nobody = await t.open();
    equal(await nobody.invoke("GetUserIdentifier"), null);
  },

  async "a token factory may take its time"(t) {
    const token = await t.token("late");
    const accessTokenFactory = () => new Promise((resolve) => setTimeout(() => resolve(token), 5));
    const connection = await t.open({ http: { accessTokenFactory } });
    equal(await connection.invoke("GetUserIdentifier"), "late");
  },

  async "a send to a user reaches all of its connections and nobody else's [HH-31, HH-61]"(t) {
    const [ana, bo] = [`ana ${t.unique()}`, `bo ${t.unique()}`];
    const connections = await Promise.all([
      t.open({ user: ana }),
      t.open({ user: ana, protocol: t.json ? "messagepack" : "json" }),
      t.open({ user: bo }),
    ]);
    const inboxes = connections.map((connection) => new Inbox(connection, "Send", "Fence"));
    await connections[2].invoke("ClientSendMethod", ana, "to ana");
    equal(await inboxes[0].next(), ["Send", "to ana"]);
    equal(await inboxes[1].next(), ["Send", "to ana"]);
    await connections[0].invoke("SendToMultipleUsers", [ana, bo, "nobody"], "to both");
    for (const inbox of inboxes) equal(await inbox.next(), ["Send", "to both"]);
    equal(inboxes.map((inbox) => inbox.calls.length), [0, 0, 0]);
  },

  async "where none is required, a bad token is nobody's"(t) {
    for (const kind of BAD) {
      const token = await t.token("ana", kind);
      const connection = await t.open({ http: { accessTokenFactory: () => token } });
      equal(await connection.invoke("GetUserIdentifier"), null, kind);
    }
  },

  async "the hub sees no token"(t) {
    const connection = await t.open({ user: "ana", query: "tenant=7" });
    equal(await connection.invoke("GetHeader", "authorization"), null);
    equal(await connection.invoke("GetQuery", "access_token"), "");
    equal(await connection.invoke("GetQuery", "tenant"), "7");
    ok((await connection.invoke("GetRequestLine")).endsWith("/hubs/conformance"), "path");
  },
};

/** Where every connection needs a token. */
export const guarded = {
  async "no token and a bad one are refused with 401"(t) {
    await rejects(t.open(), t.unauthorized);
    for (const kind of BAD) {
      const token = await t.token("ana", kind);
      const accessTokenFactory = () => token;
      await rejects(t.open({ http: { accessTokenFactory } }), t.unauthorized);
      await rejects(t.open({ http: { accessTokenFactory, skipNegotiation: true } }), () => true);
    }
  },

  async "a good token is let in, without negotiation too"(t) {
    const connection = await t.open({ user: "ana" });
    equal(await connection.invoke("GetUserIdentifier"), "ana");
    if (t.transport !== "WebSockets") return;
    const direct = await t.open({ user: "ana", http: { skipNegotiation: true } });
    equal(await direct.invoke("GetUserIdentifier"), "ana");
  },
};
