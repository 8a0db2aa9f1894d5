// HS256 tokens as any issuer makes them.

import { createHmac, randomBytes } from "node:crypto";

/** What the servers of a run believe. */
export const KEY = randomBytes(32).toString("hex");

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token with these claims, valid for an hour unless they say otherwise. */
function sign(key, claims, header = { alg: "HS256", typ: "JWT" }) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${part(header)}.${part({ exp, ...claims })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** What a client shows as its token. */
export async function token(user, kind = "valid") {
  const sub = { sub: user };
  switch (kind) {
    case "expired":
      return sign(KEY, { ...sub, exp: Math.floor(Date.now() / 1000) - 3600 });
    case "forged":
      return sign(randomBytes(32), sub);
    case "none":
      return sign(KEY, sub, { alg: "none", typ: "JWT" }).replace(/[^.]*$/, "");
    case "garbage":
      return "not.a.token";
    default:
      return sign(KEY, sub);
  }
}
