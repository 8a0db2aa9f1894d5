// Runs tests one after the other, each under a deadline, and counts.

import { within } from "./check.mjs";
import { Rows } from "./rows.mjs";

const TEST_LIMIT_MS = 30_000;

export class Harness {
  constructor(only = "") {
    this.only = only;
    this.rows = new Rows();
    this.passed = 0;
    this.failed = 0;
  }

  /**
   * Runs one test; `run` resolves with the reason why it does not apply, if it does not: that is noted where the
   * reason is more than an empty text, and counted nowhere.
   *
   * @param column of the table that its rows are for, if it has any
   */
  async test(name, run, column) {
    if (!name.includes(this.only)) return;
    const started = performance.now();
    try {
      const why = await within(run(), TEST_LIMIT_MS, "the test");
      if (typeof why === "string") {
        if (column && why) this.rows.note(name, column, "n/a", why);
        return;
      }
      this.passed += 1;
      if (column) this.rows.note(name, column, "passed");
      const took = performance.now() - started;
      console.log(`ok      ${name}${took > 1_000 ? ` (${(took / 1_000).toFixed(1)} s)` : ""}`);
    } catch (error) {
      this.failed += 1;
      if (column) this.rows.note(name, column, "failed", error.message);
      console.log(`FAILED  ${name}\n        ${error.message}`);
    }
  }

  /** What came before the tests failed: nothing else can be said of them. */
  broken(name, error) {
    this.failed += 1;
    console.log(`FAILED  ${name}\n        ${error.stack}`);
  }
}
