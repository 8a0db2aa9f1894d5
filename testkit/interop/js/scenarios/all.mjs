// Every scenario by its name: "area: promise [rows of the conformance table]".

import { errors } from "./errors.mjs";
import { lifecycle } from "./lifecycle.mjs";
import { groups, sends } from "./sends.mjs";
import { results, streams } from "./streams.mjs";
import { connections } from "./typescript-connections.mjs";
import { transports } from "./typescript-transports.mjs";
import { typescript } from "./typescript.mjs";
import { guarded, users } from "./users.mjs";
import { values } from "./values.mjs";

const areas = {
  typescript,
  transports,
  connections,
  values,
  errors,
  sends,
  groups,
  users,
  guarded,
  streams,
  results,
  lifecycle,
};

export const scenarios = new Map(
  Object.entries(areas).flatMap(([area, list]) =>
    Object.entries(list).map(([name, run]) => [`${area}: ${name}`, run]),
  ),
);
