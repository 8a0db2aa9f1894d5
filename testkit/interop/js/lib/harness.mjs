// Runs tests one after the other, each under a deadline, and counts.

import { within } from "./check.mjs";

const TEST_LIMIT_MS = 30_000;

export class Harness {
  constructor(only = "") {
    this.only = only;
    this.passed = 0;
    this.failed = 0;
  }

  async test(name, run) {
    if (!name.includes(this.only)) return;
    try {
      await within(run(), TEST_LIMIT_MS, "the test");
      this.passed += 1;
      console.log(`ok      ${name}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED  ${name}\n        ${error.message}`);
    }
  }

  /** What came before the tests failed: nothing else can be said of them. */
  broken(name, error) {
    this.failed += 1;
    console.log(`FAILED  ${name}\n        ${error.stack}`);
  }
}
