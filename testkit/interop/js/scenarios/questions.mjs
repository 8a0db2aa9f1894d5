// What ASP.NET Core has no like of, and what it has only in its server's code: questions about audiences, all
// connections of a user, the item bag, rules and filters of methods, ends of other connections.

import { closed, equal, Inbox, ok, rejects, until } from "../lib/check.mjs";

const NAMES = ["A", "B", "C", "D"];

/** Four connections, of nobody, ana, ana and ben; who got what is told by letters. */
async function four(t) {
  const [ana, ben] = [`ana ${t.unique()}`, `ben ${t.unique()}`];
  const connections = [];
  for (const user of [undefined, ana, ana, ben]) connections.push(await t.open({ user }));
  const inboxes = connections.map((connection) => new Inbox(connection, "Send", "Typed", "Fence"));
  const [a] = connections;
  /** Who hears of it; a fence tells who does not. */
  const heard = async (...call) => {
    await a.invoke(...call);
    let letters = "";
    for (const [index, connection] of connections.entries()) {
      await connection.invoke("SendArguments", "Fence", []);
      while ((await inboxes[index].next())[0] !== "Fence") letters += NAMES[index];
    }
    return letters;
  };
  return { ana, ben, connections, ids: connections.map(({ connectionId }) => connectionId), heard };
}

export const audiences = {
  async "every audience has an except form [HH-61, HH-62]"(t) {
    const { ana, ben, connections, ids, heard } = await four(t);
    const [, b, c, d] = ids;
    const group = `g ${b}`;
    for (const member of [connections[1], connections[3]]) await member.invoke("GroupAddMethod", group);
    const except = (kind, names, excluded) => heard("SendExcept", kind, names, "x", [excluded, "unknown"]);
    equal(await except("all", [], c), "ABD");
    equal(await except("groups", [group], d), "B");
    equal(await except("users", [ana, ben], c), "BD");
    equal(await except("connections", [c, d], d), "C");
  },

  async "every audience has a typed form"(t) {
    const { ana, ids, connections, heard } = await four(t);
    const group = `typed ${ids[0]}`;
    await connections[2].invoke("GroupAddMethod", group);
    const inbox = new Inbox(connections[2], "Typed");
    const typed = (kind, names) => heard("SendTyped", kind, names, "x", 1);
    equal(await typed("all", []), "ABCD");
    equal(await typed("users", [ana]), "BC");
    equal(await typed("groups", [group]), "C");
    equal(await typed("connections", [ids[0], ids[2]]), "AC");
    equal(await inbox.next(), ["Typed", "x", 1]);
  },

  async "every connection of a user goes into a group and out of it"(t) {
    const { ana, ids, connections, heard } = await four(t);
    const group = `user's ${ids[0]}`;
    equal(await connections[0].invoke("GroupAddUser", ana, group), 2);
    equal(await heard("GroupSendMethod", group, "x"), "BC");
    equal(await connections[0].invoke("GroupRemoveUser", ana, group), 2);
    equal(await connections[0].invoke("GroupRemoveUser", `nobody ${ana}`, group), 0);
    equal(await heard("GroupSendMethod", group, "x"), "");
  },

  async "who is there is counted and listed, page by page"(t) {
    const { ana, ben, connections, ids } = await four(t);
    const [a] = connections;
    const group = `asked ${ids[0]}`;
    await connections[3].invoke("GroupAddMethod", group);
    for (const [kind, names, count] of [
      ["users", [ana, ben, "nobody"], 3],
      ["groups", [group, `empty ${group}`], 1],
      ["connections", [ids[1], "unknown"], 1],
      ["groups", [`empty ${group}`], 0],
    ]) {
      equal(await a.invoke("Count", kind, names), count, `${kind} ${names}`);
      equal(await a.invoke("Exists", kind, names), count > 0, `${kind} ${names}`);
    }
    ok((await a.invoke("Count", "all", [])) >= 4, "everybody");
    const listed = [];
    for (;;) {
      const page = await a.invoke("Connections", "users", [ana, ben], listed.at(-1)?.Connection ?? null, 2);
      ok(page.length <= 2, "a page of two");
      listed.push(...page);
      if (page.length < 2) break;
    }
    const expected = [[ids[1], ana], [ids[2], ana], [ids[3], ben]].map(([Connection, User]) => ({ Connection, User }));
    const inOrder = (list) => list.toSorted((one, other) => (one.Connection < other.Connection ? -1 : 1));
    equal(inOrder(listed), inOrder(expected));
  },

  async "a connection is closed by another one"(t) {
    const observer = await t.open();
    for (const mayReturn of [false, true]) {
      const connection = await t.open({ reconnect: [0, 50, 100] });
      const id = connection.connectionId;
      const [close, back] = [closed(connection), new Promise((resolve) => connection.onreconnected(resolve))];
      await observer.invoke("CloseConnection", id, mayReturn);
      if (mayReturn) ok((await back) !== id, "another id");
      else equal(await close, undefined);
      await until(async () => !(await observer.invoke("Exists", "connections", [id])), "its end");
    }
  },
};

export const rules = {
  async "items are kept with their connection"(t) {
    const [one, other] = [await t.open(), await t.open()];
    equal(await one.invoke("GetItem", "key"), null);
    await one.invoke("SetItem", "key", "é 🎉");
    equal(await one.invoke("GetItem", "key"), "é 🎉");
    equal(await other.invoke("GetItem", "key"), null);
    await one.invoke("RemoveItem", "key");
    equal(await one.invoke("GetItem", "key"), null);
  },

  async "filters write into what goes in and what comes out, refuse, and answer"(t) {
    const connection = await t.open();
    equal(await connection.invoke("FilteredEcho", "x"), "x>outer>inner<inner<outer");
    await rejects(connection.invoke("FilterRefuses"), (text) => text.endsWith("HubException: a filter refused"));
    equal(await connection.invoke("FilterReplaces"), 43);
  },

  async "methods are for those that their rules allow [HH-48]"(t) {
    const people = [
      await t.open({ user: "ana", claims: { role: "owner" } }),
      await t.open({ user: "ben", claims: { tenant: "7" } }),
      await t.open({ user: "cid", claims: { tenant: "70" } }),
      await t.open(),
    ];
    const allowed = (method, ...args) =>
      Promise.all(
        people.map((person) =>
          person.invoke(method, ...args).then(
            () => true,
            (error) => {
              equal(error.message, `Failed to invoke '${method}' because user is unauthorized`);
              return false;
            },
          ),
        ),
      );
    equal(await allowed("AuthMethod"), [true, true, true, false]);
    equal(await allowed("AdminMethod"), [true, false, false, false]);
    equal(await allowed("TenantMethod"), [false, true, false, false]);
    equal(await allowed("ClosedMethod"), [false, false, false, false]);
    equal(await allowed("OpenMethod"), [true, true, true, true]);
    equal(await allowed("MultiParamAuthMethod", "text", 1), [true, true, true, false]);
    equal(await allowed("MultiParamAuthMethod", "denied", 1), [false, false, false, false]);
  },

  async "the hub sees the request: query, cookies, headers, path"(t) {
    const connection = await t.open({ query: "tenant=7&tenant2=%C3%A9" });
    equal(await connection.invoke("GetQuery", "tenant"), "7");
    equal(await connection.invoke("GetQuery", "tenant2"), "é");
    equal(await connection.invoke("GetQuery", "nothing"), "");
    equal(await connection.invoke("GetCookie", "nothing"), null);
    equal(await connection.invoke("GetHeader", "host"), new URL(t.url).host);
    equal(await connection.invoke("GetRequestLine"), "GET /hubs/conformance");
  },
};
