// The official JavaScript client through nginx, configured by the text of docs/guides/behind-a-proxy.md.
//
//     npm ci --prefix ../js && node run.mjs ../../../target/debug/hubplane

import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "../js/package.json"));
const { HubConnectionBuilder, HttpTransportType, LogLevel } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

// The certificate is that of the tests, whose root no client knows.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const LIMIT_MS = 20_000;
const work = mkdtempSync(join(tmpdir(), "hubplane-nginx-"));
// The workers of an nginx that root starts are somebody else, and put long bodies here.
chmodSync(work, 0o755);
const children = [];
process.on("exit", () => {
  // A killed nginx leaves its workers behind.
  for (const child of children) child.kill("SIGTERM");
  rmSync(work, { recursive: true, force: true });
});

const within = (what, promise) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** The block of the guide in this language. */
const block = (guide, language) => guide.split("```" + language + "\n")[1].split("```")[0];

/** Replaces what has to be there. */
const replaced = (text, pairs) =>
  pairs.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the guide does not say "${from}"`);
    return text.replaceAll(from, to);
  }, text);

function start(program, args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  child.log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (child.log += data));
  child.on("exit", (code) => code && console.error(`${program} ended with ${code}: ${child.log}`));
  return child;
}

const guide = readFileSync(join(here, "../../../docs/guides/behind-a-proxy.md"), "utf8");
const [inner, outer] = [await freePort(), await freePort()];
const certificates = join(here, "../../certificates");

writeFileSync(
  join(work, "hubplane.toml"),
  replaced(block(guide, "toml"), [["127.0.0.1:8080", `127.0.0.1:${inner}`]]),
);
const site = replaced(block(guide, "nginx"), [
  ["127.0.0.1:8080", `127.0.0.1:${inner}`],
  ["listen 443 ", `listen 127.0.0.1:${outer} `],
  ["/etc/nginx/tls.crt", join(certificates, "first.pem")],
  ["/etc/nginx/tls.key", join(certificates, "first.key")],
]);
const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
  (name) => `${name}_temp_path ${join(work, name)};`,
);
writeFileSync(
  join(work, "nginx.conf"),
  `daemon off;\npid ${join(work, "pid")};\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${folders.join("\n")}\n${site}\n}\n`,
);

const binary = resolve(process.argv[2] ?? join(here, "../../../target/debug/hubplane"));
const hubplane = start(binary, ["--config", join(work, "hubplane.toml"), "--admin", "127.0.0.1:0"]);
start("nginx", ["-c", join(work, "nginx.conf")]);
const base = `https://127.0.0.1:${outer}/app`;
await within(
  "the start",
  (async () => {
    for (;;) {
      const answer = await fetch(`${base}/`).catch(() => undefined);
      if (answer?.status === 200) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  })(),
);

let failed = 0;
async function check(transport, protocol) {
  const builder = new HubConnectionBuilder()
    .withUrl(`${base}/testhub`, { transport: HttpTransportType[transport] })
    .configureLogging(LogLevel.None);
  if (protocol === "MessagePack") builder.withHubProtocol(new MessagePackHubProtocol());
  const connection = builder.build();
  const what = `${transport} ${protocol}`;
  try {
    await within(`${what}: start`, connection.start());
    const long = "x".repeat(20_000);
    for (const text of ["short", long]) {
      const echo = await within(`${what}: echo`, connection.invoke("Echo", text));
      if (echo !== text) throw new Error(`${what}: another echo`);
    }
    const active = await within(what, connection.invoke("GetActiveTransportName"));
    if (active !== transport) throw new Error(`${what}: it is ${active}`);
    const items = await within(
      `${what}: stream`,
      new Promise((complete, error) => {
        const items = [];
        connection.stream("Stream").subscribe({ next: (item) => items.push(item), complete: () => complete(items), error });
      }),
    );
    if (items.join() !== "a,b,c") throw new Error(`${what}: ${items}`);
    await within(`${what}: stop`, connection.stop());
    console.log(`passed  ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error.message}\n${hubplane.log.slice(-2000)}`);
  }
}

for (const transport of ["WebSockets", "ServerSentEvents", "LongPolling"]) {
  for (const protocol of ["JSON", "MessagePack"]) {
    // Events are text.
    if (transport !== "ServerSentEvents" || protocol === "JSON") await check(transport, protocol);
  }
}
process.exit(failed ? 1 : 0);
