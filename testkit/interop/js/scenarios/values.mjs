// Every value type of reference signalr-core 11.4, there and back.

import { equal, rejects } from "../lib/check.mjs";

const LONGEST = Number.MAX_SAFE_INTEGER; // what a JavaScript number can hold of 64 bits

/** Echo method, then values that come back as they are in both protocols. */
const SAME = {
  EchoBool: [true, false],
  EchoSByte: [-128, -33, -32, -1, 0, 127],
  EchoByte: [0, 127, 128, 255],
  EchoShort: [-32768, 32767],
  EchoUShort: [0, 65535],
  EchoInt: [-2147483648, 2147483647],
  EchoUInt: [0, 4294967295],
  EchoLong: [-LONGEST, -4294967297, 4294967296, LONGEST],
  EchoULong: [0, 4294967296, LONGEST],
  EchoFloat: [0, 1.5, -2.25, 16777216],
  EchoDouble: [0.1, 3, -1e-7, 1e300, Number.MIN_VALUE, Number.MAX_VALUE],
  EchoString: [
    "",
    "plain",
    "é ß 漢 🎉 \u2028",
    "\"\\/\b\f\n\r\t\u0001\u007f<>&'+`",
    "a\u001eb", // the record separator inside a text
    "long ".repeat(4_000),
  ],
  EchoEnum: ["Red", "Green"],
  EchoNullableInt: [null, 5],
  EchoInts: [null, [], [1, 2, 3], Array.from({ length: 5_000 }, (_, n) => n - 2_500)],
  EchoMap: [null, {}, { Key: 1, "other key": -2, "": 0 }],
  EchoTuple: [[1, "a"]],
  EchoCustomObject: [null, { Name: "n", Value: 7 }, { Name: null, Value: 0 }],
};

const DATES = [
  "2000-01-01T00:00:00Z",
  "2002-04-01T10:20:15.123Z",
  "1969-12-31T23:59:59.999Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
];

export const values = {
  ...Object.fromEntries(
    Object.entries(SAME).map(([method, list]) => [
      `${method} gives back what it was given`,
      async (t) => {
        const connection = await t.open();
        for (const value of list) equal(await connection.invoke(method, value), value, method);
      },
    ]),
  ),

  async "bytes are base64 text in JSON and bin in MessagePack"(t) {
    const connection = await t.open();
    for (const list of [[], [1, 2, 3, 255], Array.from({ length: 3_000 }, (_, n) => n % 256)]) {
      const bytes = Uint8Array.from(list);
      const value = t.json ? btoa(String.fromCharCode(...list)) : bytes;
      equal(await connection.invoke("EchoBytes", value), value);
    }
    equal(await connection.invoke("EchoBytes", null), null);
  },

  async "dates are ISO 8601 in JSON and timestamps in MessagePack"(t) {
    const connection = await t.open();
    for (const date of DATES) {
      const back = await connection.invoke("EchoDate", t.json ? date : new Date(date));
      equal(typeof back, t.json ? "string" : "object");
      equal(new Date(back), new Date(date));
    }
  },

  async "a float keeps the precision of a float"(t) {
    const connection = await t.open();
    for (const value of [0.1, 1 / 3, 1e30, -1e-30]) {
      equal(Math.fround(await connection.invoke("EchoFloat", value)), Math.fround(value));
    }
  },

  async "a character is a text in JSON and its code unit in MessagePack"(t) {
    const connection = await t.open();
    for (const char of ["x", "é", "漢"]) {
      const value = t.json ? char : char.charCodeAt(0);
      equal(await connection.invoke("EchoChar", value), value);
    }
  },

  async "a map's integer keys are texts in JSON; in MessagePack this client cannot write them"(t) {
    const connection = await t.open();
    const map = { 1: "one", "-2": "minus two" };
    if (t.json) equal(await connection.invoke("EchoIntMap", map), map);
    else await rejects(connection.invoke("EchoIntMap", map), (text) => text.startsWith("Failed to invoke 'EchoIntMap'"));
  },

  async "a complex object keeps all its members"(t) {
    const connection = await t.open();
    const date = "2002-04-01T10:20:15Z";
    const object = {
      ByteArray: t.json ? "aGVsbG8=" : new TextEncoder().encode("hello"),
      DateTime: t.json ? date : new Date(date),
      Guid: "00010203-0405-0607-0706-050403020100",
      IntArray: [255, 0, -1],
      String: "Hello, World!",
    };
    equal(await connection.invoke("EchoComplexObject", object), object);

    const sent = await connection.invoke("SendComplexObject");
    equal(sent.ByteArray, t.json ? "AQID" : Uint8Array.from([1, 2, 3]));
    equal(new Date(sent.DateTime), new Date("2000-01-01T00:00:00Z"));
    equal([sent.Guid, sent.IntArray, sent.String], [object.Guid, [1, 2, 3], "hello world"]);
  },

  async "a value without a declared type comes back as it is"(t) {
    const connection = await t.open();
    const deep = { a: [1, "two", null, 3.5, true, { b: [] }], "ü": -1, big: LONGEST };
    for (const value of [null, 0, "", [], {}, deep]) {
      equal(await connection.invoke("EchoObject", value), value);
    }
    let nested = "bottom";
    for (let depth = 0; depth < 50; depth++) nested = depth % 2 ? [nested] : { nested };
    equal(await connection.invoke("EchoObject", nested), nested);
  },

  async "several parameters are bound in their order [HH-45]"(t) {
    const connection = await t.open();
    const char = t.json ? "m" : "m".charCodeAt(0);
    equal(await connection.invoke("ConcatString", 8, -42, char, "string"), "8, -42, m, string");
  },

  async "a result that is nothing is null [HH-40]"(t) {
    const connection = await t.open();
    for (const method of ["VoidMethod", "TaskMethod", "ValueTaskMethod"]) {
      equal(await connection.invoke(method), null, method);
    }
    equal(await connection.invoke("Echo", null), null);
  },

  async "values that do not fit fail the invocation and nothing else [HH-45]"(t) {
    const connection = await t.open();
    const wrong = [
      ["EchoByte", 256],
      ["EchoByte", -1],
      ["EchoInt", 1.5],
      ["EchoInt", "5"],
      ["EchoBool", 1],
      ["EchoString", 5],
      ["EchoInt", null],
      ["EchoInts", [1, "x"]],
      ["EchoEnum", "Blue"],
      ["EchoCustomObject", 5],
    ];
    for (const [method, value] of wrong) {
      const text = `Failed to invoke '${method}' due to an error on the server.`;
      await rejects(connection.invoke(method, value), (got) => got.startsWith(text));
    }
    equal(await connection.invoke("Echo", "alive"), "alive");
  },
};
