// Names of tests: "area: promise".

/** The tests of an area by their whole names. */
export function named(area, list) {
  return Object.fromEntries(Object.entries(list).map(([name, run]) => [`${area}: ${name}`, run]));
}
