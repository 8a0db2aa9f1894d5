// Texts of reference signalr-core 12.4, byte by byte: applications match on them.

import { equal, Inbox, rejects } from "../lib/check.mjs";

/** The text, with its detail where the server tells details. */
const detailed = (t, base, detail) => (t.detailed ? `${base} ${detail}` : base);

export const errors = {
  async "an error meant for clients is always told [HH-42]"(t) {
    const connection = await t.open();
    await rejects(
      connection.invoke("ThrowHubException"),
      "An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: This is a hub exception",
    );
  },

  async "another error is told with detailed errors alone [HH-42]"(t) {
    const connection = await t.open();
    for (const method of ["MethodThatThrows", "MethodThatYieldsFailedTask"]) {
      const base = `An unexpected error occurred invoking '${method}' on the server.`;
      await rejects(connection.invoke(method), detailed(t, base, "InvalidOperationException: BOOM!"));
    }
    const base = "An unexpected error occurred invoking 'ThrowException' on the server.";
    await rejects(
      connection.invoke("ThrowException", "An error occurred."),
      detailed(t, base, "InvalidOperationException: An error occurred."),
    );
  },

  async "a panic fails its invocation and nothing else"(t) {
    const connection = await t.open();
    const base = "An unexpected error occurred invoking 'Panic' on the server.";
    await rejects(connection.invoke("Panic", "on purpose"), (text) => text.startsWith(base));
    equal(await connection.invoke("Echo", "alive"), "alive");
  },

  async "an unknown method is named as the client spelled it [HH-46]"(t) {
    const connection = await t.open();
    for (const name of ["!@#$%", "Missing", "OnConnected", "on_disconnected", "StaticMethod"]) {
      const text = `Failed to invoke '${name}' due to an error on the server. HubException: Method does not exist.`;
      await rejects(connection.invoke(name), text);
      await rejects(connection.invoke(name, 1, "x"), text);
    }
  },

  async "a wrong number of arguments is counted [HH-49]"(t) {
    const connection = await t.open();
    const base = "Failed to invoke 'Echo' due to an error on the server.";
    const counted = (n) => `InvalidDataException: Invocation provides ${n} argument(s) but target expects 1.`;
    await rejects(connection.invoke("Echo"), detailed(t, base, counted(0)));
    await rejects(connection.invoke("Echo", "a", "b"), detailed(t, base, counted(2)));
  },

  async "a method is found in any letter case and named as it is declared [HH-41, HH-44]"(t) {
    const connection = await t.open();
    equal(await connection.invoke("eChO", "x"), "x");
    equal(await connection.invoke("renamedmethod"), 43);
    const base = "Failed to invoke 'EchoInt' due to an error on the server.";
    await rejects(connection.invoke("ECHOINT", "x"), (text) => text.startsWith(base));
  },

  async "an ordinary method is no stream"(t) {
    const connection = await t.open();
    const ended = new Promise((_, reject) => {
      connection.stream("Echo", "x").subscribe({ next() {}, complete() {}, error: reject });
    });
    await rejects(
      ended,
      "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.",
    );
    equal(await connection.invoke("Echo", "alive"), "alive");
  },

  async "what is sent without asking for an answer gets none [HH-43]"(t) {
    const connection = await t.open();
    const inbox = new Inbox(connection, "Message");
    for (const method of ["Missing", "MethodThatThrows", "ThrowHubException", "Echo"]) await connection.send(method);
    await connection.send("InvokeWithString", "after all that");
    equal(await inbox.next(), ["Message", "after all that"]);
  },

  async "many invocations at once are answered, each with its own result [HH-53]"(t) {
    const connection = await t.open();
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    equal(await Promise.all(numbers.map((n) => connection.invoke("EchoInt", n))), numbers);
  },
};
