// Assertions and waits that work in Node and in a page alike.

/** Fails with a text. */
export function fail(text) {
  throw new Error(text);
}

/** A value as text that tells apart what JSON does not. */
export function show(value, depth = 0) {
  if (depth > 60) return "…";
  if (value instanceof Uint8Array) return `bytes[${[...value]}]`;
  if (value instanceof Date) return `Date(${value.toISOString()})`;
  if (Array.isArray(value)) return `[${value.map((item) => show(item, depth + 1)).join(", ")}]`;
  if (value && typeof value === "object") {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}: ${show(value[name], depth + 1)}`).join(", ")}}`;
  }
  if (Object.is(value, -0)) return "-0";
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** Deep equality, of types too. */
export function equal(actual, expected, what = "value") {
  const [a, e] = [show(actual), show(expected)];
  if (a !== e) fail(`${what}: got ${a.slice(0, 300)}, expected ${e.slice(0, 300)}`);
}

export function ok(condition, what) {
  if (!condition) fail(what);
}

/** The promise has to fail with exactly this text, or with one that the function accepts. */
export async function rejects(promise, expected) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    const text = error.message;
    if (typeof expected === "function" ? !expected(text) : text !== expected) {
      fail(`failed with ${JSON.stringify(text)}, expected ${expected}`);
    }
    return;
  }
  fail(`succeeded with ${show(value).slice(0, 300)}, expected the failure ${expected}`);
}

/** The promise, but not for longer than this. */
export function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again and again until the answer is true. */
export async function until(ask, what, ms = 10_000) {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) fail(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** What a client handler was called with, in order, to be waited for. */
export class Inbox {
  constructor(connection, ...targets) {
    this.calls = [];
    this.waiting = [];
    for (const target of targets) {
      connection.on(target, (...args) => {
        this.calls.push([target, ...args]);
        this.waiting.shift()?.();
      });
    }
  }

  /** The next call as [target, ...arguments]. */
  async next() {
    if (this.calls.length === 0) {
      await within(new Promise((resolve) => this.waiting.push(resolve)), 10_000, "a call by the server");
    }
    return this.calls.shift();
  }
}

/** Everything that a stream brings, and how it ends: `null`, or the text of its error. */
export function collect(stream) {
  const items = [];
  return new Promise((resolve) => {
    stream.subscribe({
      next: (item) => items.push(item),
      complete: () => resolve({ items, error: null }),
      error: (error) => resolve({ items, error: error.message }),
    });
  });
}

/** What the client's own library uploads: `send` gives items, `complete` and `fail` end it. */
export class Source {
  #observer;
  #early = [];

  get stream() {
    return {
      subscribe: (observer) => {
        this.#observer = observer;
        this.#early.forEach((step) => step(observer));
        return { dispose() {} };
      },
    };
  }

  #step(step) {
    if (this.#observer) step(this.#observer);
    else this.#early.push(step);
    return this;
  }

  give = (...items) => this.#step((observer) => items.forEach((item) => observer.next(item)));
  complete = () => this.#step((observer) => observer.complete());
  fail = (error) => this.#step((observer) => observer.error(error));
}

/** Resolves with the error, or undefined, that a connection closes with. */
export function closed(connection) {
  const end = within(new Promise((resolve) => connection.onclose(resolve)), 10_000, "the end of the connection");
  // Whoever asks first and waits later may fail in between.
  end.catch(() => {});
  return end;
}
