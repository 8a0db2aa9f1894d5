// Every scenario by its name: "area: promise".

import { errors } from "./errors.mjs";
import { lifecycle } from "./lifecycle.mjs";
import { groups, sends } from "./sends.mjs";
import { results, streams } from "./streams.mjs";
import { guarded, users } from "./users.mjs";
import { values } from "./values.mjs";

const areas = { values, errors, sends, groups, users, guarded, streams, results, lifecycle };

export const scenarios = new Map(
  Object.entries(areas).flatMap(([area, list]) =>
    Object.entries(list).map(([name, run]) => [`${area}: ${name}`, run]),
  ),
);
