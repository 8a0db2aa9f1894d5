// The real binary as a child process.

import { spawn } from "node:child_process";

import { within } from "./check.mjs";

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
        const [open, admin] = [/open\s+(http:\S+)/, /admin\s+(http:\S+)\/healthz/].map((line) => out.match(line)?.[1]);
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
