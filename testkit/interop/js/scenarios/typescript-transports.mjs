// The official TypeScript functional tests, TS-23 to TS-40: tokens, cookies, headers, reconnecting, choice of transport.

import { closed, equal, ok, rejects, within } from "../lib/check.mjs";

const TOKEN = "/generateJwtToken?seconds=60";

/** Those that are about HTTP and not about messages run with one hub protocol. */
const once = (t) => t.json || t.skip();

/** Breaks the transport as the official tests do, and waits for the new id. */
function broken(connection) {
  const back = within(new Promise((resolve) => connection.onreconnected(resolve)), 10_000, "the reconnect");
  connection.connection.transport.onclose(new Error("broken by the test"));
  return back;
}

const RECONNECT = [0, 50, 100, 200];

/** The header that says what the client is; a page may not set the usual one. */
const agentHeader = (t) => (t.browser ? "X-SignalR-User-Agent" : "User-Agent");

/** A page sends no headers with a WebSocket or an EventSource. */
const headersTravel = (t) => !t.browser || t.transport === "LongPolling";

export const transports = {
  async "tokens: a token lets in [TS-23]"(t) {
    once(t);
    const token = await t.get(TOKEN);
    const connection = await t.open({ path: "/authorizedhub", http: { accessTokenFactory: () => token } });
    equal(await connection.invoke("Echo", "with a token"), "with a token");
    equal(await connection.invoke("GetUserIdentifier"), "testuser");
  },

  async "tokens: a factory may take its time [TS-24]"(t) {
    once(t);
    const connection = await t.open({ path: "/authorizedhub", http: { accessTokenFactory: () => t.get(TOKEN) } });
    equal(await connection.invoke("Echo", "with a token"), "with a token");
  },

  async "tokens: without one nobody gets in [TS-25]"(t) {
    once(t);
    await rejects(t.open({ path: "/authorizedhub" }), t.unauthorized);
  },

  async "a server that says nothing is given up by the client [TS-26]"(t) {
    once(t);
    if (t.transport === "LongPolling") t.skip("the client has no server timeout on long polling");
    const connection = t.build({ path: "/testhub" });
    connection.serverTimeoutInMilliseconds = 100;
    const close = closed(connection);
    await t.start(connection);
    equal((await close)?.message, "Server timeout elapsed without receiving a message from the server.");
  },

  async "cookies of negotiate come back [TS-27]"(t) {
    once(t);
    const connection = await t.open({ path: "/testhub" });
    equal(await connection.invoke("GetCookie", "testCookie"), "testValue");
    equal(await connection.invoke("GetCookie", "testCookie2"), "testValue2");
  },

  async "a cookie that has expired does not [TS-28]"(t) {
    once(t);
    const connection = await t.open({ path: "/testhub" });
    equal(await connection.invoke("GetCookie", "expiredCookie"), null);
  },

  async "a transport that breaks is replaced [TS-29]"(t) {
    const connection = await t.open({ path: "/testhub", reconnect: RECONNECT });
    const first = connection.connectionId;
    const second = await broken(connection);
    ok(second && second !== first, "another id");
    equal(await connection.invoke("Echo", "back"), "back");
  },

  async "the address changes while it reconnects [TS-30]"(t) {
    once(t);
    const connection = await t.open({ path: "/testhub", query: "from=first", reconnect: RECONNECT });
    equal(await connection.invoke("GetQuery", "from"), "first");
    connection.onreconnecting(() => (connection.baseUrl = `${t.url}/testhub?from=second`));
    await broken(connection);
    equal(await connection.invoke("GetQuery", "from"), "second");
  },

  async "a reconnect asks who redirected again [TS-31]"(t) {
    once(t);
    const query = `numRedirects=0&baseUrl=${t.url}`;
    const connection = await t.open({ path: "/redirect", query, reconnect: RECONNECT });
    const before = await connection.invoke("GetNumRedirects");
    equal(connection.connectionId, await connection.invoke("GetCallerConnectionId"));
    await broken(connection);
    ok((await connection.invoke("GetNumRedirects")) > before, "redirected again");
    equal(connection.connectionId, await connection.invoke("GetCallerConnectionId"));
  },

  async "a reconnect without negotiation [TS-32]"(t) {
    if (t.transport !== "WebSockets") t.skip("only WebSockets can do without negotiation");
    const connection = await t.open({ path: "/testhub", http: { skipNegotiation: true }, reconnect: RECONNECT });
    equal(await broken(connection), undefined);
    equal(await connection.invoke("Echo", "back"), "back");
  },

  async "the client's id is the server's [TS-33]"(t) {
    const connection = await t.open({ path: "/testhub", reconnect: RECONNECT });
    const id = () => connection.invoke("GetCallerConnectionId");
    equal(connection.connectionId, await id());
    await broken(connection);
    equal(connection.connectionId, await id());
    await connection.stop();
    equal(connection.connectionId, null);
  },

  async "without negotiation the client has no id [TS-34]"(t) {
    if (t.transport !== "WebSockets") t.skip("only WebSockets can do without negotiation");
    const connection = await t.open({ path: "/testhub", http: { skipNegotiation: true } });
    equal(connection.connectionId, null);
    ok(await connection.invoke("GetCallerConnectionId"), "the server has one");
  },

  async "the best transport but WebSockets is chosen [TS-35]"(t) {
    if (t.transport !== "ServerSentEvents" || !t.json) t.skip();
    const connection = await t.open({ path: "/testhub-nowebsockets", http: { transport: undefined } });
    equal(await connection.invoke("GetActiveTransportName"), "ServerSentEvents");
  },

  async "a binary protocol then takes long polling [TS-36]"(t) {
    if (t.transport !== "LongPolling" || t.json) t.skip();
    const connection = await t.open({ path: "/testhub-nowebsockets", http: { transport: undefined } });
    equal(await connection.invoke("GetActiveTransportName"), "LongPolling");
  },

  async "a WebSocket that cannot be made is not the end [TS-37]"(t) {
    if (t.transport === "WebSockets") t.skip();
    const WebSocket = function () {
      throw new Error("There is no WebSocket here");
    };
    const http = { transport: undefined, WebSocket };
    if (t.transport === "LongPolling" && t.json) http.EventSource = WebSocket;
    const connection = await t.open({ path: "/testhub", http });
    equal(await connection.invoke("GetActiveTransportName"), t.transport);
  },

  async "who stops long polling says so, and its poll ends [TS-38]"(t) {
    if (t.transport !== "LongPolling") t.skip("about long polling");
    const { DefaultHttpClient, HttpClient, NullLogger } = t.signalR;
    const seen = { deletes: 0, polls: new Set() };
    const inner = new DefaultHttpClient(NullLogger.instance);
    class Watching extends HttpClient {
      getCookieString = (url) => inner.getCookieString(url);
      send(request) {
        const answer = inner.send(request);
        if (request.method === "DELETE") seen.deletes += 1;
        if (request.method === "GET") {
          seen.polls.add(answer);
          const over = () => seen.polls.delete(answer);
          answer.then(over, over);
        }
        return answer;
      }
    }
    const connection = await t.open({ path: "/testhub", http: { httpClient: new Watching() } });
    equal(await connection.invoke("Echo", "x"), "x");
    const polls = [...seen.polls];
    await connection.stop();
    equal(seen.deletes, 1, "DELETE");
    await within(Promise.allSettled(polls), 5_000, "the end of the poll");
    equal(seen.polls.size, 0, "polls that wait");
  },

  async "the server knows the client by its name [TS-39]"(t) {
    once(t);
    const connection = await t.open({ path: "/testhub" });
    const name = await connection.invoke("GetHeader", agentHeader(t));
    if (headersTravel(t)) ok(name?.startsWith("Microsoft SignalR/"), `its name is ${name}`);
    else equal(name, null);
  },

  async "headers of the user's own come before the library's [TS-40]"(t) {
    once(t);
    if (!headersTravel(t)) t.skip("a page sends no headers with this transport");
    const headers = { [agentHeader(t)]: "Custom Agent", "X-HEADER": "VALUE" };
    const connection = await t.open({ path: "/testhub", http: { headers } });
    equal(await connection.invoke("GetHeader", agentHeader(t)), "Custom Agent");
    equal(await connection.invoke("GetHeader", "X-HEADER"), "VALUE");
  },
};
