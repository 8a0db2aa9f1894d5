// The real binary as a child process.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { within } from "./check.mjs";
import { KEY } from "./tokens.mjs";

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

const living = new Set();
// Whatever becomes of this process, none of its children stays.
process.on("exit", () => living.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

export class Server {
  /** Starts it, with options as environment variables, and waits until it says where it listens. */
  static async start(binary, options = {}, { listen = "127.0.0.1:0" } = {}) {
    const env = { ...process.env, ...options };
    for (const name of Object.keys(env)) if (/_proxy$/i.test(name)) delete env[name];
    const child = spawn(binary, ["dev", "--listen", listen, "--admin", "127.0.0.1:0"], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    living.add(child);
    const server = new Server(child);
    await within(server.ready, START_LIMIT_MS, "the start of the server");
    return server;
  }

  constructor(child) {
    this.child = child;
    this.log = "";
    this.ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        living.delete(child);
        resolve(signal ?? code);
      });
    });
    let out = "";
    this.ready = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.stdout.on("data", (data) => {
        out += data;
        const [open, admin] = [/open\s+(https?:\S+)/, /admin\s+(http:\S+)\/healthz/].map((line) => out.match(line)?.[1]);
        if (!open || !admin) return;
        this.url = open.replace(/\/$/, "");
        this.admin = admin;
        resolve();
      });
      this.ended.then((how) => reject(new Error(`the server ended (${how}): ${out}${this.log}`)));
    });
    this.ready.catch(() => {});
    child.stderr.on("data", (data) => (this.log = (this.log + data).slice(-20_000)));
  }

  /** One that is ended and started again at the same address. */
  static async restartable(binary) {
    return {
      server: await Server.start(binary),
      get url() {
        return this.server.url;
      },
      async restart() {
        const listen = `127.0.0.1:${this.server.port}`;
        await this.server.stop();
        this.server = await Server.start(binary, {}, { listen });
      },
      stop() {
        return this.server.stop();
      },
    };
  }

  hub(name) {
    return `${this.url}/hubs/${name}`;
  }

  get port() {
    return new URL(this.url).port;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await within(this.ended, STOP_LIMIT_MS, "the drain").catch(() => this.kill());
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

const certificate = (name) => fileURLToPath(new URL(`../../../certificates/${name}`, import.meta.url));

/** Options by scheme. */
const SCHEMES = {
  http: {},
  https: {
    HUBPLANE_LISTEN__TLS__CERTIFICATE: certificate("first.pem"),
    HUBPLANE_LISTEN__TLS__KEY: certificate("first.key"),
  },
};

const keys = { HUBPLANE_AUTH__KEYS__TEST: KEY };

/** Options by kind; any other name is one as it comes, with a key of the run's. */
const KINDS = {
  /** Where nobody configured keys: it gives tokens away. */
  open: {},
  /** Where everybody needs a token. */
  guarded: { ...keys, HUBPLANE_AUTH__REQUIRED: "true" },
  /** With terse errors and quick timers. */
  quick: {
    ...keys,
    HUBPLANE_HUBS__DETAILED_ERRORS: "false",
    HUBPLANE_HUBS__KEEP_ALIVE_INTERVAL: "1s",
    HUBPLANE_HUBS__CLIENT_TIMEOUT: "3s",
  },
};

/** The servers of a run, started when somebody needs them. */
export class Servers {
  #started = new Map();

  constructor(binary) {
    this.binary = binary;
  }

  get(scheme, kind) {
    const name = `${scheme} ${kind}`;
    const options = { ...(KINDS[kind] ?? keys), ...SCHEMES[scheme] };
    if (!this.#started.has(name)) this.#started.set(name, Server.start(this.binary, options));
    return this.#started.get(name);
  }

  async stop() {
    const started = await Promise.allSettled(this.#started.values());
    await Promise.all(started.map(({ value }) => value?.stop()));
    this.all = started.map(({ value }) => value).filter(Boolean);
  }

  /** The ends of what they logged. */
  logs() {
    return this.all.map((server) => server.log.slice(-1_000)).join("\n");
  }
}
