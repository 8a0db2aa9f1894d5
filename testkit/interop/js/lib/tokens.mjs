// HS256 tokens as any issuer makes them.

import { createHmac } from "node:crypto";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token with these claims, valid for an hour unless they say otherwise. */
export function token(key, claims, header = { alg: "HS256", typ: "JWT" }) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${part(header)}.${part({ exp, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}
