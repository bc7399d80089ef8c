// The rules of the verifier of access tokens, against a server whose answers each test chooses.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { Refusal } from "../../../sdk/js/guard.js";
import { createTokenVerifier } from "../../../sdk/js/tokens.js";

const RESOURCE = "https://api.example.com";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const JWKS = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", alg: "ES256" }] };
const FEED = { ended: [], leaked_keys: [], cursor: "c", more: false, poll_after: 3, lives: 3600 };
let answers = {}; // by path, the body; what has none is away
let asked = [];
const ENDLESS = Symbol("a body without an end");
let cutAfter = 0; // bytes of an endless body that were sent when its reader left
const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  asked.push(path);
  if (answers[path] === undefined) return response.writeHead(503).end();
  response.writeHead(200, { "Content-Type": "application/json" });
  if (answers[path] !== ENDLESS) return response.end(answers[path]);
  const part = " ".repeat(256 * 1024);
  const send = () => {
    while (response.write(part));
  };
  response.on("drain", send).on("close", () => (cutAfter = request.socket.bytesWritten));
  send();
});
let url = "";

before(async () => {
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  cutAfter = 0;
  answers = { "/oauth/jwks": JSON.stringify(JWKS), "/oauth/revocations": JSON.stringify(FEED) };
});

const verifier = (more = {}) =>
  createTokenVerifier({ url, resource: RESOURCE, clientId: "api", clientSecret: "s", ...more });

function token(header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: url, sub: "7", aud: RESOURCE, client_id: "app", scope: "read", gid: "g", iat: now, exp: now + 600 };
  const parts = [{ alg: "ES256", typ: "at+jwt", kid: "k", ...header }, claims];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = sign("sha256", signed, { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `Bearer ${signed}.${signature.toString("base64url")}`;
}

const refusal = (work) =>
  work.then(
    () => assert.fail("not refused"),
    (found) => (assert.ok(found instanceof Refusal, found), [found.status, found.body.code]),
  );
const UNAVAILABLE = [503, "unavailable"];
const INVALID = [401, "token_invalid"];
const padded = (value, size) => JSON.stringify(value) + " ".repeat(size);

test("a token is accepted with the keys and the feed", async () => {
  assert.equal((await verifier().check(token(), "read")).userId, 7);
  assert.deepEqual(asked, ["/oauth/jwks", "/oauth/revocations"]);
});

test("a type or key id that is no text is refused, also one that reads as the right text", async () => {
  const own = verifier();
  assert.equal((await own.check(token({ typ: "application/AT+jwt" }))).userId, 7);
  for (const header of [{ typ: ["at+jwt"] }, { typ: [["at+jwt"]] }, { typ: null }, { typ: {} }, { kid: ["k"] }, { alg: ["ES256"] }])
    assert.deepEqual(await refusal(own.check(token(header))), INVALID, JSON.stringify(header));
});

test("keys in an answer over 64 KiB are not read", async () => {
  answers["/oauth/jwks"] = padded(JWKS, 64 * 1024);
  assert.deepEqual(await refusal(verifier().check(token())), UNAVAILABLE);
});

test("a page of the feed over 16 MiB counts as none, and the verifier stops reading", async () => {
  answers["/oauth/revocations"] = padded(FEED, 1024 * 1024);
  assert.equal((await verifier({ withoutFeed: "refuse" }).check(token())).userId, 7);
  answers["/oauth/revocations"] = ENDLESS;
  assert.deepEqual(await refusal(verifier({ withoutFeed: "refuse" }).check(token())), UNAVAILABLE);
  while (!cutAfter) await new Promise((closed) => setImmediate(closed));
  assert.ok(cutAfter > 16 * 1024 * 1024 && cutAfter < 32 * 1024 * 1024, cutAfter);
});

test("without the feed the service decides about each token", async () => {
  delete answers["/oauth/revocations"];
  const own = verifier();
  const told = {
    '{"active": true}': null,
    '{"active": false}': INVALID,
    '{"active": "true"}': UNAVAILABLE,
    '{}': UNAVAILABLE,
    'null': UNAVAILABLE,
    '[true]': UNAVAILABLE,
    'true': UNAVAILABLE,
    '<h1>Log in</h1>': UNAVAILABLE,
    [padded({ active: true }, 64 * 1024)]: UNAVAILABLE,
  };
  for (const [body, wanted] of Object.entries(told)) {
    answers["/oauth/introspect"] = body;
    if (wanted) assert.deepEqual(await refusal(own.check(token())), wanted, body.slice(0, 40));
    else assert.equal((await own.check(token())).userId, 7);
  }
  delete answers["/oauth/introspect"];
  assert.deepEqual(await refusal(own.check(token())), UNAVAILABLE);
  assert.equal(asked.filter((path) => path === "/oauth/introspect").length, Object.keys(told).length + 1);
});

test("without the feed every token is refused if the verifier is told to, and the service is not asked", async () => {
  delete answers["/oauth/revocations"];
  answers["/oauth/introspect"] = '{"active": true}';
  assert.deepEqual(await refusal(verifier({ withoutFeed: "refuse" }).check(token())), UNAVAILABLE);
  assert.ok(!asked.includes("/oauth/introspect"));
});

test("a verifier is not made for another answer to a missing feed, or without its secret", () => {
  assert.throws(() => verifier({ withoutFeed: "accept" }), TypeError);
  assert.throws(() => verifier({ clientSecret: "" }), TypeError);
});
