// The rules of the guard for Node.js, against a server whose answers each test chooses.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { createGuard, Refusal } from "../../../sdk/js/guard.js";

let asked = []; // the requests
let answer = null; // (request, response, headers of a good answer)
const YES = { "X-Auth-User-Id": "7", "X-Auth-Username": "gr%C3%BCn" };
const server = createServer((request, response) => {
  asked.push(request);
  answer(request, response, { "X-Auth-Nonce": request.headers["x-auth-nonce"] });
});
let guard = null;

before(async () => {
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  guard = createGuard(`http://127.0.0.1:${server.address().port}`);
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  answer = (_, response, own) => response.writeHead(204, { ...own, ...YES }).end();
});

const refusal = (work) =>
  work.then(
    () => assert.fail("not refused"),
    (found) => (assert.ok(found instanceof Refusal, found), found),
  );

test("a yes names the caller, and the question has the token, the permissions and a nonce", async () => {
  const caller = await guard.check("Bearer a.b.c", "reports:read", "reports:write");
  assert.deepEqual(caller, { userId: 7, username: "grün" });
  const [{ url, headers }] = asked;
  assert.equal(url, "/auth/verify?permission=reports:read&permission=reports:write");
  assert.equal(headers.authorization, "Bearer a.b.c");
  assert.equal(headers.cookie, undefined);
  await guard.check("bearer  x");
  assert.equal(asked[1].url, "/auth/verify");
  assert.notEqual(asked[1].headers["x-auth-nonce"], headers["x-auth-nonce"]);
});

test("a refusal is passed on with its body and challenge", async () => {
  const body = { code: "permission_missing", message: "You may not do this." };
  const challenge = 'Bearer error="insufficient_scope", scope="reports:read"';
  answer = (_, response, own) => response.writeHead(403, { ...own, "WWW-Authenticate": challenge }).end(JSON.stringify(body));
  const found = await refusal(guard.check("Bearer x", "reports:read"));
  assert.deepEqual([found.status, found.body, found.headers["WWW-Authenticate"]], [403, body, challenge]);
  assert.equal(found.headers["Cache-Control"], "no-store");
});

test("without a token, or with a malformed header, the service is not asked", async () => {
  for (const header of [undefined, ""]) assert.equal((await refusal(guard.check(header))).body.code, "token_missing");
  for (const header of ["x", "Basic eDp5", "Bearer", "Bearer x y", "Bearer x, Bearer y", `Bearer ${"x".repeat(4097)}`]) {
    const found = await refusal(guard.check(header));
    assert.deepEqual([found.status, found.body.code], [401, "token_malformed"]);
  }
  assert.equal(asked.length, 0);
});

const UNKNOWN = {
  "another status": (_, response, own) => response.writeHead(200, { ...own, ...YES }).end(),
  "a yes without an account": (_, response, own) => response.writeHead(204, own).end(),
  "a yes of two accounts": (_, response, own) =>
    response.writeHead(204, { ...own, ...YES, "X-Auth-User-Id": ["7", "8"] }).end(),
  "a name that is no text": (_, response, own) => response.writeHead(204, { ...own, ...YES, "X-Auth-Username": "%FF" }).end(),
  "a yes to another question": (_, response) => response.writeHead(204, { ...YES, "X-Auth-Nonce": "0".repeat(32) }).end(),
  "a yes of a proxy that drops the nonce": (_, response) => response.writeHead(204, YES).end(),
  "a page of a proxy": (_, response, own) => response.writeHead(403, own).end("<h1>Forbidden</h1>"),
  "a refusal that is too long": (_, response, own) =>
    response.writeHead(403, own).end(`{"code": "permission_missing"}${" ".repeat(65 * 1024)}`),
  "a refusal of another kind": (_, response, own) => response.writeHead(401, own).end("null"),
  "a redirect": (_, response, own) => response.writeHead(302, { ...own, Location: "/auth/verify" }).end(),
  "an error": (_, response, own) => response.writeHead(500, own).end('{"code": "internal"}'),
  "a closed connection": (request) => request.socket.destroy(),
};
for (const [name, told] of Object.entries(UNKNOWN))
  test(`${name} is unavailable`, async () => {
    answer = told;
    const found = await refusal(guard.check("Bearer x", "reports:read"));
    assert.deepEqual([found.status, found.body.code], [503, "unavailable"]);
  });

test("an answer that does not come in time is unavailable", async () => {
  answer = () => {};
  const hasty = createGuard(`http://127.0.0.1:${server.address().port}`, { timeout: 20 });
  assert.equal((await refusal(hasty.check("Bearer x"))).status, 503);
});

test("plain http is for this machine, unless it is allowed", () => {
  for (const url of ["http://auth.internal:8000", "ftp://127.0.0.1", "https://a@auth.example.com", "https://auth.example.com/?a"])
    assert.throws(() => createGuard(url), TypeError, url);
  createGuard("http://auth.internal:8000", { allowPlainHttp: true });
  for (const url of ["http://localhost:8000", "http://[::1]:8000", "https://auth.example.com/below/"]) createGuard(url);
});

test("a guard is not made without a permission or with a malformed one", () => {
  for (const wrong of [[], [""], ["reports"], ["reports:read", "Reports:read"], [["reports:read"]], Array(21).fill("a:b")])
    assert.throws(() => guard.requires(...wrong), /thing:verb/);
});

test("the middleware names the caller or answers itself, and passes other errors on", async () => {
  const told = [];
  const response = { writeHead: (...head) => told.push(head), end: (body) => told.push(body) };
  const request = { headers: { authorization: "Bearer x" }, caller: { userId: 99 } };
  await guard.signedIn(request, response, (...given) => told.push(["next", ...given]));
  assert.deepEqual([request.caller.userId, told], [7, [["next"]]]);
  told.length = 0;
  await guard.requires("reports:read")({ headers: {} }, response, () => assert.fail("let through"));
  const [[status, headers], body] = told;
  assert.deepEqual([status, headers["WWW-Authenticate"], JSON.parse(body).code], [401, "Bearer", "token_missing"]);
});
