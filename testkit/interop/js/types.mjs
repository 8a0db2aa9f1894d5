// What `hubplane types` prints is TypeScript, and fits the official client as the guide says.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Behind the guide's own lines: what fits, and what must not. */
const MORE = `
import { Subject } from "@microsoft/signalr";
import type { ConformanceHub } from "./hubs";

const all = new Typed<ConformanceHub, {}>(chat.connection);
all.stream("StreamEcho", new Subject<string>()).subscribe({
  next: (text: string) => text.length,
  error: () => {},
  complete: () => {},
});
const sum: number = await all.invoke("StreamingSum", new Subject<number>());
const maybe: string | null = await all.invoke("Echo", null);
// @ts-expect-error
await chat.invoke("Join", "harbour");
// @ts-expect-error
await chat.invoke("Joyn", "harbour", "Ana", "");
// @ts-expect-error
all.stream("Echo", "");
// @ts-expect-error
await all.invoke("StreamEcho", new Subject<string>());
// @ts-expect-error
welcome.nobody;
// @ts-expect-error
chat.on("Said", (line: number) => {});
`;

export const types = {
  async "the declaration compiles with the guide's front end"({ binary }) {
    const { stdout: declaration } = await execute(binary, ["types"]);
    const guide = await readFile(here("../../../docs/guides/typescript.md"), "utf8");
    const blocks = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block);
    if (blocks.length === 0) throw new Error("the guide has no TypeScript");
    // The official client's own types are found from in here.
    const folder = await mkdtemp(here("node_modules/.types-"));
    try {
      // Not as `.d.ts`: such files are not checked where those of other packages need not be.
      await writeFile(`${folder}/hubs.ts`, declaration);
      await writeFile(`${folder}/front.ts`, blocks.join("\n") + MORE);
      const options = "--noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler";
      const tsc = [here("node_modules/typescript/bin/tsc"), ...options.split(" "), `${folder}/front.ts`];
      await execute(process.execPath, tsc).catch((error) => {
        throw new Error(error.stdout || error.message);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
