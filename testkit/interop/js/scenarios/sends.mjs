// Who receives what: reference signalr-core 14.1.

import { equal, Inbox, ok } from "../lib/check.mjs";

/** Three connections with an inbox each; a fence tells what did not come. */
async function three(t, ...targets) {
  const opened = await Promise.all([t.open(), t.open(), t.open()]);
  return Promise.all(
    opened.map(async (connection) => ({
      connection,
      id: connection.connectionId,
      inbox: new Inbox(connection, "Fence", ...targets),
      invoke: (...args) => connection.invoke(...args),
    })),
  );
}

/** Each of them got exactly these calls of one target. */
async function got(people, target, expected) {
  for (const [index, person] of people.entries()) {
    await person.invoke("SendArguments", "Fence", []);
    for (const value of expected[index]) equal(await person.inbox.next(), [target, value], `connection ${index}`);
    equal(await person.inbox.next(), ["Fence"], `connection ${index}`);
  }
}

export const sends = {
  async "caller, others, one, several, all but some [HH-61]"(t) {
    const people = await three(t, "Send");
    const [a, b, c] = people;
    await a.invoke("SendToCaller", "caller");
    await got(people, "Send", [["caller"], [], []]);
    await a.invoke("ConnectionSendMethod", b.id, "one");
    await got(people, "Send", [[], ["one"], []]);
    await a.invoke("SendToMultipleClients", "several", [a.id, c.id, c.id, "nobody"]);
    await got(people, "Send", [["several"], [], ["several"]]);
  },

  async "a client method is found in any letter case, and one that is missing does no harm"(t) {
    const connection = await t.open();
    const inbox = new Inbox(connection, "mEsSaGe");
    await connection.invoke("CallHandlerThatDoesntExist");
    await connection.invoke("InvokeWithString", "hello");
    equal(await inbox.next(), ["mEsSaGe", "hello"]);
  },

  async "objects, arrays, nothing and several arguments are received [HH-60]"(t) {
    const connection = await t.open();
    const inbox = new Inbox(connection, "CustomObject", "Send", "Any");
    await connection.invoke("SendCustomObject", { Name: "test", Value: 42 });
    equal(await inbox.next(), ["CustomObject", { Name: "test", Value: 42 }]);
    await connection.invoke("SendAnonymousObject");
    equal(await inbox.next(), ["Send", {}]);
    for (const args of [[], [null], [1, "two", [3], { four: 4 }, null, 5.5]]) {
      await connection.invoke("SendArguments", "Any", args);
      equal(await inbox.next(), ["Any", ...args]);
    }
  },

  async "a broadcast reaches JSON and MessagePack clients, each in its own encoding [HH-60, HH-66]"(t) {
    const [json, binary] = [await t.open({ protocol: "json" }), await t.open({ protocol: "messagepack" })];
    const inboxes = [json, binary].map((connection) => new Inbox(connection, "Broadcast"));
    const item = { text: `é 🎉 ${json.connectionId}`, list: [1, null, 2.5], deep: { yes: true } };
    for (const sender of [json, binary]) {
      await sender.invoke("BroadcastItem", item);
      for (const inbox of inboxes) equal(await inbox.next(), ["Broadcast", item]);
    }
  },

  async "others and all but some [HH-61]"(t) {
    const [a, b, c] = await three(t, "Send");
    const mark = a.id;
    const only = async (person, text) => {
      // Other tests of this run share the hub: theirs carry other marks.
      for (;;) {
        const call = await person.inbox.next();
        if (call[0] === "Fence") return equal("nothing", text);
        if (call[1].startsWith(mark)) return equal(call, ["Send", text]);
      }
    };
    await a.invoke("SendToOthers", `${mark} others`);
    await a.invoke("SendToAllExcept", `${mark} except`, [a.id, b.id]);
    await a.invoke("SendToCaller", `${mark} end`);
    await only(a, `${mark} end`);
    await only(b, `${mark} others`);
    await only(c, `${mark} others`);
    await only(c, `${mark} except`);
  },

  async "what one method sends arrives in program order, its completion last"(t) {
    const connection = await t.open();
    const numbers = [];
    connection.on("Number", (number) => numbers.push(number));
    await connection.invoke("SendNumbers", 1000);
    equal(numbers.length, 1000, "received before the completion");
    ok(numbers.every((number, index) => number === index), "not in order");
  },
};

export const groups = {
  async "members hear, others do not, and who left does not either [HH-62]"(t) {
    const people = await three(t, "Send");
    const [a, b, c] = people;
    const group = `g ${a.id}`;
    await a.invoke("GroupAddMethod", group);
    await b.invoke("GroupAddMethod", group);
    await c.invoke("GroupSendMethod", group, "first");
    await got(people, "Send", [["first"], ["first"], []]);
    await b.invoke("GroupRemoveMethod", group);
    await c.invoke("GroupSendMethod", group, "second");
    await got(people, "Send", [["second"], [], []]);
  },

  async "joining twice delivers once, and leaving what was never joined is no error [HH-63]"(t) {
    const people = await three(t, "Send");
    const [a, b] = people;
    const group = `twice ${a.id}`;
    await a.invoke("GroupAddMethod", group);
    await a.invoke("GroupAddMethod", group);
    await b.invoke("GroupRemoveMethod", group);
    await b.invoke("GroupSendMethod", group, "once");
    await got(people, "Send", [["once"], [], []]);
  },

  async "all but some, others, and several groups [HH-62]"(t) {
    const people = await three(t, "Send");
    const [a, b, c] = people;
    const [one, two] = [`one ${a.id}`, `two ${a.id}`];
    for (const person of people) await person.invoke("GroupAddMethod", one);
    await c.invoke("GroupAddMethod", two);
    await a.invoke("GroupExceptSendMethod", one, "except", [b.id]);
    await got(people, "Send", [["except"], [], ["except"]]);
    await a.invoke("SendToOthersInGroup", one, "others");
    await got(people, "Send", [[], ["others"], ["others"]]);
    // As in the reference, who is in both hears it from both.
    await a.invoke("SendToMultipleGroups", "both", [one, two]);
    await got(people, "Send", [["both"], ["both"], ["both", "both"]]);
  },

  async "a connection is added by somebody else, and names of groups are what they are"(t) {
    const people = await three(t, "Send");
    const [a, b] = people;
    for (const name of ["", "Ünï/🎉 *.>", "A".repeat(100)]) {
      const group = name && `${name} ${a.id.slice(0, 6)}`;
      await a.invoke("GroupAddConnection", b.id, group);
      await a.invoke("GroupSendMethod", group, b.id);
      equal(await b.inbox.next(), ["Send", b.id], name);
      if (name) await a.invoke("GroupSendMethod", group.toLowerCase(), "other letter case");
      await a.invoke("GroupRemoveConnection", b.id, group);
    }
    await got(people, "Send", [[], [], []]);
  },

  async "a group's members of both encodings hear the same"(t) {
    const [json, binary] = [await t.open({ protocol: "json" }), await t.open({ protocol: "messagepack" })];
    const inboxes = [json, binary].map((connection) => new Inbox(connection, "Send"));
    const group = `mixed ${json.connectionId}`;
    await json.invoke("GroupAddMethod", group);
    await binary.invoke("GroupAddMethod", group);
    for (const sender of [json, binary]) {
      await sender.invoke("GroupSendMethod", group, "héllo");
      for (const inbox of inboxes) equal(await inbox.next(), ["Send", "héllo"]);
    }
  },
};
