// What a run says of each row of reference signalr-core 18, for the table in docs/conformance.md.
//
// One JSON object per row and column: {"row","client","transport","protocol","scheme","result","why"?}, where the result
// is "passed", "failed" or "n/a", which has a reason. As lines of the file that `--rows` names, and of the standard
// output behind "@row ".

import { writeFileSync } from "node:fs";

const WORST = ["n/a", "passed", "failed"];

/** The rows that a scenario's name ends with, as in "a promise [TS-1, HH-40]". */
export function rowsOf(name) {
  const labels = name.match(/\[((?:[A-Z]{2}-\d+(?:, )?)+)\]$/)?.[1] ?? "";
  return labels.split(", ").filter(Boolean);
}

export class Rows {
  #kept = new Map();

  /** What became of one scenario in one column; of several that name a row, the worst counts. */
  note(name, column, result, why) {
    for (const row of rowsOf(name)) {
      const place = { row, ...column };
      const key = Object.values(place).join(" ");
      const before = this.#kept.get(key);
      if (before && WORST.indexOf(before.result) >= WORST.indexOf(result)) continue;
      this.#kept.set(key, { ...place, result, ...(why && { why }) });
    }
  }

  /** Writes them all, in their order. */
  write(path) {
    const order = (a, b) => JSON.stringify(keyOf(a)).localeCompare(JSON.stringify(keyOf(b)));
    const lines = [...this.#kept.values()].sort(order).map((row) => JSON.stringify(row));
    if (path) writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
    for (const line of lines) console.log(`@row ${line}`);
  }

  count(result) {
    return [...this.#kept.values()].filter((row) => row.result === result).length;
  }
}

function keyOf({ row, client, scheme, transport, protocol }) {
  const [suite, number] = row.split("-");
  return [suite, number.padStart(4, "0"), client, scheme, transport, protocol];
}
