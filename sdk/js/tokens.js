// Access tokens of applications, verified offline (RFC 9068), and refused within seconds of their end.

import { createPublicKey, verify } from "node:crypto";
import { Refusal, bearerToken, middlewareOf, readJson, serviceUrl, unavailable } from "./shared.js";

const FEED_AWAY = 30_000; // milliseconds without the feed, after which offline verification alone is not enough
const POLL_AFTER = 3000; // if the service does not say
const [SHORTEST_POLL, LONGEST_POLL] = [500, 5000]; // beyond, an ending would be known later than promised
const KEPT_LONGER = 120_000; // beyond the life of an access token
const [MAX_PAGES, LONGEST_READ] = [100, 5000]; // that one check reads; the next check goes on
const [MAX_BODY, MAX_PAGE] = [64 * 1024, 16 * 1024 * 1024]; // bytes of an answer, and of one of the feed
const MAX_GRANTS = 2_000_000; // beyond that, the feed counts as not read
const [KEYS_LIVE, KEYS_AGAIN] = [3_600_000, 5000];
const LEEWAY = 30; // seconds between two clocks
const TYPES = new Set(["at+jwt", "application/at+jwt"]);
const TEXTS = ["iss", "sub", "aud", "client_id", "scope", "gid"];
const INVALID = { code: "token_invalid", message: "The access token is not valid." };
const SCOPE_MISSING = { code: "scope_missing", message: "The access token lacks a scope." };

const invalid = () => new Refusal(401, INVALID, 'Bearer error="invalid_token"');

/** Return a verifier for one resource. The types and the guide describe it. */
export function createTokenVerifier({ url, resource, clientId, clientSecret, withoutFeed = "introspect", ...options }) {
  const { timeout = 5000, allowPlainHttp = false } = options;
  if (!["introspect", "refuse"].includes(withoutFeed)) throw new TypeError("withoutFeed is introspect or refuse");
  if (![resource, clientId, clientSecret].every((each) => typeof each === "string" && each))
    throw new TypeError("resource, clientId and clientSecret are needed");
  const issuer = serviceUrl(url, allowPlainHttp);
  const pair = [clientId, clientSecret].map(encodeURIComponent).join(":");
  const credentials = { Authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
  const feed = createFeed((query) => ask(`/oauth/revocations${query}`, { headers: credentials }, MAX_PAGE));
  const keyOf = createKeys(() => ask("/oauth/jwks"));

  /** Return the JSON of an answer. Rejects, with its `status`, if there is none or it is too long. */
  async function ask(path, more = {}, most = MAX_BODY) {
    const answer = await fetch(issuer + path, { redirect: "error", signal: AbortSignal.timeout(timeout), ...more });
    if (answer.status === 200) return readJson(answer, most);
    await answer.body?.cancel();
    throw Object.assign(new Error("no answer"), { status: answer.status });
  }

  async function askService(token) {
    if (withoutFeed === "refuse") throw unavailable();
    const call = { method: "POST", headers: credentials, body: new URLSearchParams({ token }) };
    const told = await ask("/oauth/introspect", call).catch(() => null);
    if (typeof told?.active !== "boolean") throw unavailable();
    if (told.active !== true) throw invalid();
  }

  async function check(authorization, ...scopes) {
    const text = bearerToken(authorization);
    const { header, claims, signed, signature } = read(text);
    const key = { key: await keyOf(header.kid), dsaEncoding: "ieee-p1363" };
    if (!verify("sha256", signed, key, signature)) throw invalid();
    const now = Date.now() / 1000;
    const isTimely = claims.iat - LEEWAY <= now && now < claims.exp;
    if (claims.iss !== issuer || claims.aud !== resource || !isTimely) throw invalid();
    if ((await feed.age()) > FEED_AWAY) await askService(text);
    if (feed.hasEnded(claims.gid) || feed.hasLeaked(header.kid)) throw invalid();
    const held = new Set(claims.scope.split(" "));
    if (!scopes.every((scope) => held.has(scope)))
      throw new Refusal(403, SCOPE_MISSING, `Bearer error="insufficient_scope", scope="${scopes.join(" ")}"`);
    return { userId: Number(claims.sub), clientId: claims.client_id, scopes: held, grantId: claims.gid, claims };
  }

  return { check, requires: (...scopes) => middlewareOf((header) => check(header, ...scopes), "token") };
}

/** Return the parts of an access token. The algorithm is that of the key, never the header's. */
function read(text) {
  const parts = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(text) ?? [];
  const [header, claims] = parts.slice(1, 3).map(parsed);
  const isText = [header?.typ, header?.kid].every((each) => typeof each === "string");
  if (!isText || !TYPES.has(header.typ.toLowerCase()) || !claims) throw invalid();
  if (header.alg !== "ES256" || "crit" in header) throw invalid();
  const hasTexts = TEXTS.every((name) => typeof claims[name] === "string") && /^[1-9]\d{0,9}$/.test(claims.sub);
  if (!hasTexts || ![claims.iat, claims.exp].every(Number.isFinite)) throw invalid();
  const signed = Buffer.from(`${parts[1]}.${parts[2]}`);
  return { header, claims, signed, signature: Buffer.from(parts[3], "base64url") };
}

function parsed(part) {
  try {
    const found = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof found === "object" && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/** Return a function from a key id to a published key. Reads them each hour, and for one that is not known. */
function createKeys(ask) {
  let keys = new Map();
  let [readAt, triedAt] = [-Infinity, -Infinity];
  let reading = null;

  async function readKeys() {
    const began = (triedAt = performance.now());
    const found = await ask().catch(() => null); // known keys go on: they were published for longer than an hour
    if (!Array.isArray(found?.keys)) return;
    keys = new Map(found.keys.flatMap(publicKey));
    readAt = began;
  }

  return async (kid) => {
    const isOld = () => performance.now() - readAt > KEYS_LIVE;
    if (!keys.has(kid) || isOld()) {
      if (performance.now() - triedAt >= KEYS_AGAIN) reading ??= readKeys().finally(() => (reading = null));
      await reading;
    }
    const found = keys.get(kid);
    if (!found) throw isOld() ? unavailable() : invalid();
    return found;
  };
}

/** Return id and key of a JWK that verifies ES256, in a list; an empty one for another kind. */
function publicKey(jwk) {
  try {
    const isRight = jwk.alg === "ES256" && jwk.kty === "EC" && jwk.crv === "P-256";
    return isRight ? [[String(jwk.kid), createPublicKey({ key: jwk, format: "jwk" })]] : [];
  } catch {
    return [];
  }
}

/** Return the set of ended grants. A check that finds it out of date reads it. There is no timer. */
function createFeed(ask) {
  const ended = new Map(); // until when each is kept
  let leaked = new Set();
  let cursor = null;
  let [readAt, triedAt, pollAfter] = [-Infinity, -Infinity, POLL_AFTER];
  let reading = null;

  /** Read the pages that there are. What a page says counts at once. */
  async function readPages() {
    const began = (triedAt = performance.now()); // unlike Date.now(), never set back
    for (const [gid, until] of ended) if (until <= began) ended.delete(gid);
    for (let page = 0; page < MAX_PAGES; page++) {
      const told = await ask(cursor ? `?after=${encodeURIComponent(cursor)}` : "");
      const times = [told.lives, told.poll_after];
      if (!Array.isArray(told.leaked_keys) || typeof told.cursor !== "string" || !times.every(Number.isFinite)) return;
      for (const { gid } of told.ended) ended.set(gid, began + told.lives * 1000 + KEPT_LONGER);
      leaked = new Set(told.leaked_keys);
      cursor = told.cursor;
      if (ended.size > MAX_GRANTS) return;
      if (told.more !== true) {
        pollAfter = Math.min(Math.max(told.poll_after * 1000, SHORTEST_POLL), LONGEST_POLL);
        readAt = began;
        return;
      }
      if (performance.now() - began > LONGEST_READ) return;
    }
  }

  return {
    /** Return the milliseconds since the feed was read to its end, after reading it if it is time. */
    async age() {
      const isTime = performance.now() - triedAt >= pollAfter;
      if (isTime && !reading) {
        const failed = (problem) => {
          if (problem.status === 400) cursor = null; // another release of the service made it: from the start
        };
        await (reading = readPages().catch(failed).finally(() => (reading = null)));
      } else if (performance.now() - readAt > LONGEST_POLL) await reading; // else what is known is new enough
      return performance.now() - readAt;
    },
    hasEnded: (grantId) => ended.has(grantId),
    hasLeaked: (keyId) => leaked.has(keyId),
  };
}
