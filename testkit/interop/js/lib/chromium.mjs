// The system's Chromium, headless, and pages in it.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL("..", import.meta.url));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
];

/** Starts it with a profile of its own, which goes with it. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
  if (!executablePath) throw new Error("no Chromium: name one by CHROMIUM, or apt-get install chromium");
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Where the files of this folder, and the official client, appear to pages: on the server's own origin. */
const PREFIX = "/__interop/";

const SCRIPTS = {
  "signalr.worker.js": require.resolve("@microsoft/signalr/dist/webworker/signalr.js"),
  "signalr-protocol-msgpack.worker.js": require.resolve(
    "@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js",
  ),
  "signalr.js": require.resolve("@microsoft/signalr/dist/browser/signalr.js"),
  "signalr-protocol-msgpack.js": require.resolve(
    "@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js",
  ),
};

/** A page of the server's origin with the official client loaded, and scenarios to run in it. */
export async function clientPage(browser, url, token) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await context.exposeFunction("__token", token);
  await context.route(`${url}${PREFIX}**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(PREFIX.length);
    const body = await readFile(SCRIPTS[name] ?? `${here}/${name}`, "utf8");
    return route.fulfill({ contentType: "text/javascript", body });
  });
  const page = await context.newPage();
  await freshen(page, url);
  return page;
}

/** Loads the page again: whatever the scenario before has left open ends. */
export async function freshen(page, url) {
  // A document that really comes from there: to a made-up one, Chromium would deny the way to a local address. And one
  // without a policy of its own, as those of the chat have.
  await page.goto(`${url}/clientresult/nobody`);
  const scripts = Object.keys(SCRIPTS).filter((name) => !name.includes(".worker."));
  for (const name of scripts) await page.addScriptTag({ url: `${PREFIX}${name}` });
}

/** Runs one scenario inside the page. Resolves with a reason where it does not apply. */
export function runInPage(page, name, settings) {
  return page.evaluate(
    async ([prefix, name, settings]) => {
      const [{ scenarios }, { run }] = await Promise.all([
        import(`${prefix}scenarios/all.mjs`),
        import(`${prefix}lib/environment.mjs`),
      ]);
      const packs = globalThis.signalR.protocols.msgpack;
      // A failure crosses as a text: errors lose their message's first line on the way otherwise.
      return run(scenarios.get(name), {
        ...settings,
        signalR: globalThis.signalR,
        packs,
        token: globalThis.__token,
      }).then(
        (why) => ({ why }),
        (error) => ({ failure: error.message }),
      );
    },
    [PREFIX, name, settings],
  ).then(({ failure, why }) => {
    if (failure !== undefined) throw new Error(failure);
    return why;
  });
}
