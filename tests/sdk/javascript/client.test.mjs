// The rules of the client without a network: `fetch` is replaced by a list of answers.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { AuthError, createClient } from "../../../sdk/js/index.js";

const URL_OF_SERVICE = "https://auth.example.com";
const sleep = globalThis.setTimeout;
// The client waits 300 milliseconds for other tabs: not here.
globalThis.setTimeout = (work, milliseconds, ...more) => sleep(work, milliseconds === 300 ? 0 : milliseconds, ...more);

let asked = []; // {method, path, body, headers} of every call
let answers = {}; // by "METHOD /path", functions that return [status, body, headers]

globalThis.fetch = async (input, init = {}) => {
  init.signal?.throwIfAborted();
  const request = new Request(input, init);
  const { pathname } = new URL(request.url);
  const text = await request.text();
  const call = {
    method: request.method,
    path: pathname,
    body: text && JSON.parse(text),
    headers: Object.fromEntries(request.headers),
    credentials: init.credentials,
  };
  asked.push(call);
  const answer = answers[`${request.method} ${pathname}`];
  if (!answer) throw new TypeError("no network");
  const [status, body = {}, headers = {}] = await answer(call);
  return new Response(status === 204 ? null : JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });
};

let numbers = 0;
const token = (sub = "1", sid = "s1") =>
  ["e30", btoa(JSON.stringify({ sub, sid, jti: String(++numbers) })).replaceAll("=", ""), "x"].join(".");
const refusal = (code, more = {}) => ({ code, message: `${code}!`, ...more });
const pair = (sub, sid) => ({ access_token: token(sub, sid), refresh_token: `r${++numbers}`, expires_in: 3600 });
const login = () => [200, { ...pair(), token_type: "Bearer", device_token: "d1", user: { id: 1, username: "ada" } }];
const calls = (path) => asked.filter((call) => call.path === path);

function recordingStore() {
  const held = new Map();
  const log = [];
  return {
    held,
    log,
    get: async (name) => held.get(name) ?? null,
    set: async (name, value) => void (held.set(name, value), log.push(["set", name, value])),
    remove: async (name) => void (held.delete(name), log.push(["remove", name])),
  };
}

async function loggedIn(options) {
  const auth = createClient(URL_OF_SERVICE, options);
  await auth.login({ username: "ada", password: "correct horse battery" });
  asked = [];
  return auth;
}

beforeEach(() => {
  asked = [];
  answers = {
    "POST /auth/login": login,
    "POST /auth/refresh": () => [200, pair()],
    "POST /auth/logout": () => [204],
    "GET /auth/me": () => [200, { user: { id: 1 }, permissions: ["reports:read"] }],
  };
});

test("the answer of a login has no token", async () => {
  const auth = createClient(`${URL_OF_SERVICE}/`);
  const answer = await auth.login({ username: "ada", password: "correct horse battery" });
  assert.deepEqual(Object.keys(answer).sort(), ["expires_in", "token_type", "user"]);
  assert.equal(asked[0].body.token_delivery, "body");
  assert.equal(asked[0].credentials, "omit");
});

test("a refusal has code, fields, status, retryAfter and requestId", async () => {
  const body = refusal("rate_limited", { fields: { password: "is missing" } });
  answers["POST /auth/login"] = () => [429, body, { "Retry-After": "7", "X-Request-Id": "abc" }];
  const error = await createClient(URL_OF_SERVICE).login({ username: "ada", password: "" }).catch((found) => found);
  assert.ok(error instanceof AuthError && error instanceof Error);
  const { code, fields, status, retryAfter, requestId, message } = error;
  assert.deepEqual(
    { code, fields, status, retryAfter, requestId, message },
    { code: "rate_limited", fields: body.fields, status: 429, retryAfter: 7, requestId: "abc", message: body.message },
  );
});

test("messages are asked for in the language of the options, which may change", async () => {
  let spoken = "de";
  const call = (language) => createClient(URL_OF_SERVICE, { language }).call("GET", "/auth/me");
  await call("fr");
  await call(() => spoken);
  spoken = "";
  await call(() => spoken);
  assert.deepEqual(
    asked.map(({ headers }) => headers["accept-language"]),
    ["fr", "de", undefined],
  );
});

test("a lost connection is the code network, and an answer of another kind the code unexpected", async () => {
  delete answers["POST /auth/login"];
  const auth = createClient(URL_OF_SERVICE);
  await assert.rejects(auth.login({ username: "ada", password: "x" }), { code: "network", status: 0, message: "The server did not answer." });
  const given = globalThis.fetch;
  globalThis.fetch = async () => new Response("<h1>Bad Gateway</h1>", { status: 502 });
  await assert.rejects(auth.call("GET", "/auth/me"), { code: "unexpected", status: 502, data: {} });
  globalThis.fetch = given;
});

test("a call that its caller has aborted is the code aborted", async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(createClient(URL_OF_SERVICE).call("GET", "/auth/me", undefined, { signal }), { code: "aborted" });
});

test("fetch renews once after a 401, for all callers, with the same body", async () => {
  const auth = await loggedIn();
  let good = null;
  answers["POST /auth/refresh"] = () => {
    const made = pair();
    good = `Bearer ${made.access_token}`;
    return [200, made];
  };
  answers["POST /api/orders"] = (call) => [call.headers.authorization === good ? 201 : 401, call.body];
  const send = (number) => auth.fetch(`${URL_OF_SERVICE}/api/orders`, { method: "POST", body: `{"n":${number}}` });
  const found = await Promise.all([send(1), send(2), send(3)]);
  assert.deepEqual(await Promise.all(found.map((each) => each.json())), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual(found.map((each) => each.status), [201, 201, 201]);
  assert.equal(calls("/auth/refresh").length, 1);
  assert.equal(calls("/api/orders").length, 6);
  assert.equal(new Set(calls("/api/orders").map((call) => call.headers.authorization)).size, 2);
});

test("a second 401 is the answer of fetch, and ends nothing", async () => {
  const auth = await loggedIn();
  answers["GET /api/orders"] = () => [401, refusal("mine")];
  assert.equal((await auth.fetch(`${URL_OF_SERVICE}/api/orders`)).status, 401);
  assert.equal(calls("/auth/refresh").length, 1);
  assert.equal(await auth.isSignedIn(), true);
});

test("a 401 for a token that another call has renewed meanwhile refreshes nothing", async () => {
  const auth = await loggedIn();
  let release = null;
  answers["GET /late"] = ({ headers }) =>
    headers.authorization === first ? new Promise((done) => (release = () => done([401]))) : [200];
  let first = null;
  answers["GET /peek"] = ({ headers }) => ((first = headers.authorization), [200]);
  await auth.fetch(`${URL_OF_SERVICE}/peek`);
  const late = auth.fetch(`${URL_OF_SERVICE}/late`);
  await new Promise((done) => sleep(done, 0));
  await auth.refresh();
  release();
  assert.equal((await late).status, 200);
  assert.equal(calls("/auth/refresh").length, 1);
});

test("fetch sends the token to no other origin", async () => {
  const auth = await loggedIn({ origins: ["https://api.example.com"] });
  answers["GET /x"] = () => [200];
  for (const other of ["https://evil.example/x", "http://auth.example.com/x", "https://api.example.com.evil.example/x"]) {
    await assert.rejects(auth.fetch(other), TypeError);
    await assert.rejects(auth.fetch(new Request(other)), TypeError);
  }
  assert.deepEqual(asked, []);
  assert.equal((await auth.fetch("https://api.example.com/x")).status, 200);
});

test("the store holds the refresh token before the answer of a refresh is used", async () => {
  const store = recordingStore();
  const auth = await loggedIn({ store });
  assert.deepEqual([...store.held.keys()].sort(), ["auth.device_token", "auth.refresh_token"]);
  const before = store.held.get("auth.refresh_token");
  await auth.refresh();
  assert.equal(calls("/auth/refresh")[0].body.refresh_token, before);
  assert.notEqual(store.held.get("auth.refresh_token"), before);
  assert.ok([...store.held.values()].every((value) => !value.startsWith("e30")), "no access token");
});

test("a new client with the same store goes on with the session", async () => {
  const store = recordingStore();
  await loggedIn({ store });
  const after = createClient(URL_OF_SERVICE, { store });
  assert.equal(await after.isSignedIn(), true);
  assert.equal((await after.me()).user.id, 1);
  assert.equal(calls("/auth/refresh").length, 1);
  assert.equal(calls("/auth/me")[0].headers["x-device-token"], "d1");
});

test("without a store a new client has no session, and asks nothing", async () => {
  await loggedIn();
  const after = createClient(URL_OF_SERVICE);
  assert.equal(await after.isSignedIn(), false);
  await assert.rejects(after.me(), { code: "session_ended", status: 401 });
  assert.deepEqual(asked, []);
});

test("logout sends the refresh token, keeps the device token, and calls the listeners", async () => {
  const store = recordingStore();
  const auth = await loggedIn({ store });
  const heard = [];
  const stop = auth.onSignedOut((reason) => heard.push(reason));
  const current = store.held.get("auth.refresh_token");
  await auth.me();
  assert.equal(auth.can("reports:read"), true);
  await auth.logout();
  assert.equal(calls("/auth/logout")[0].body.refresh_token, current);
  assert.deepEqual([...store.held.keys()], ["auth.device_token"]);
  assert.deepEqual(heard, ["logged_out"]);
  assert.equal(auth.can("reports:read"), false);
  stop();
  await assert.rejects(auth.me(), { code: "session_ended" });
  assert.deepEqual(heard, ["logged_out"]);
});

test("a logout that failed forgets nothing", async () => {
  const auth = await loggedIn();
  answers["POST /auth/logout"] = () => [429, refusal("rate_limited")];
  await assert.rejects(auth.logout(), { code: "rate_limited" });
  assert.equal(await auth.isSignedIn(), true);
});

test("the end of the session is told once, and the token is removed", async () => {
  const store = recordingStore();
  const auth = await loggedIn({ store });
  const heard = [];
  auth.onSignedOut((reason) => heard.push(reason));
  answers["GET /auth/me"] = () => [401, refusal("token_invalid")];
  answers["POST /auth/refresh"] = () => [401, refusal("refresh_token_invalid")];
  await Promise.all([1, 2].map(() => assert.rejects(auth.me(), { code: "session_ended" })));
  assert.deepEqual(heard, ["expired"]);
  assert.equal(store.held.has("auth.refresh_token"), false);
  assert.equal(calls("/auth/refresh").length, 1);
});

test("the end of the session is told once to calls that each find it", async () => {
  const auth = await loggedIn();
  const heard = [];
  auth.onSignedOut((reason) => heard.push(reason));
  answers["GET /auth/me"] = () => [401, refusal("token_invalid")];
  await Promise.all([1, 2, 3].map(() => assert.rejects(auth.me(), { code: "session_ended" })));
  assert.deepEqual(heard, ["expired"]);
});

for (const [status, code] of [[503, "busy"], [429, "rate_limited"], [0, "network"]]) {
  test(`a refresh that failed with ${code} keeps the session`, async () => {
    const auth = await loggedIn();
    const heard = [];
    auth.onSignedOut((reason) => heard.push(reason));
    answers["GET /auth/me"] = () => [401, refusal("token_invalid")];
    const good = answers["POST /auth/refresh"];
    answers["POST /auth/refresh"] = status ? () => [status, refusal(code)] : undefined;
    await assert.rejects(auth.me(), { code });
    assert.deepEqual(heard, []);
    Object.assign(answers, { "POST /auth/refresh": good, "GET /auth/me": () => [200, { permissions: [] }] });
    assert.deepEqual(await auth.me(), { permissions: [] });
  });
}

test("a refresh that finds the token of another window in the store uses that", async () => {
  const store = recordingStore();
  const auth = await loggedIn({ store });
  answers["POST /auth/refresh"] = ({ body }) => {
    if (body.refresh_token === "newer") return [200, pair()];
    store.held.set("auth.refresh_token", "newer");
    return [401, refusal("refresh_token_invalid")];
  };
  await auth.refresh();
  assert.deepEqual(calls("/auth/refresh").length, 2);
});

test("calls for one account are refused when the store comes to hold that of another", async () => {
  const auth = await loggedIn();
  const heard = [];
  auth.onSignedOut((reason) => heard.push(reason));
  answers["GET /auth/me"] = () => [401, refusal("token_invalid")];
  answers["POST /auth/refresh"] = () => [200, pair("2", "s2")];
  await assert.rejects(auth.me(), { code: "other_account" });
  await assert.rejects(auth.me(), { code: "other_account" });
  assert.deepEqual(new Set(heard), new Set(["other_account"]));
});

test("the second factor sends the challenge, which no error shows", async () => {
  const auth = createClient(URL_OF_SERVICE);
  const more = { challenge_token: "secret", methods: ["totp"], expires_in: 300 };
  answers["POST /auth/login"] = () => [401, refusal("second_factor_required", more)];
  answers["POST /auth/login/second-factor"] = ({ body }) =>
    body.code === "123456" ? login() : [401, refusal("second_factor_invalid")];
  const error = await auth.login({ username: "ada", password: "x" }).catch((found) => found);
  assert.deepEqual([error.code, error.data.methods], ["second_factor_required", ["totp"]]);
  assert.ok(!JSON.stringify(error).includes("secret"));
  await assert.rejects(auth.secondFactor({ code: "1" }), { code: "second_factor_invalid" });
  const answer = await auth.secondFactor({ code: "123456", trust_device: true });
  assert.equal(answer.user.username, "ada");
  const { body } = asked.at(-1);
  assert.deepEqual(body, { code: "123456", trust_device: true, challenge_token: "secret" });
});

test("a step-up replaces the access token", async () => {
  const auth = await loggedIn();
  const fresh = token();
  answers["POST /auth/reauth"] = () => [200, { access_token: fresh, expires_in: 3600 }];
  await auth.reauth({ password: "correct horse battery" });
  await auth.me();
  assert.equal(asked.at(-1).headers.authorization, `Bearer ${fresh}`);
  assert.deepEqual(calls("/auth/reauth")[0].body, { password: "correct horse battery" });
});

test("a registration without a name asks for one of the address", async () => {
  answers["POST /auth/register"] = () => [201, { user: {} }];
  const auth = createClient(URL_OF_SERVICE);
  await auth.register({ email: "ada@example.com", password: "x" });
  await auth.register({ username: "ada", email: "ada@example.com", password: "x" });
  assert.deepEqual(asked.map(({ body }) => body.username_from_email), [true, undefined]);
});

test("a challenge is solved by `solve`, and the call is sent again", async () => {
  const challenge = { kind: "external", action: "register" };
  answers["POST /auth/register"] = ({ body }) =>
    body.challenge_response === "solved" ? [201, { user: {} }] : [429, refusal("challenge_required", { challenge })];
  const seen = [];
  const solve = async (given) => (seen.push(given), "solved");
  await createClient(URL_OF_SERVICE, { solve }).register({ email: "ada@example.com", password: "x" });
  assert.deepEqual(seen, [challenge]);
  const without = createClient(URL_OF_SERVICE).register({ email: "ada@example.com", password: "x" });
  await assert.rejects(without, { code: "challenge_required" });
});

test("tokens by cookie need the origin of the page, and no store", () => {
  assert.throws(() => createClient(URL_OF_SERVICE, { delivery: "cookie" }), TypeError);
});

test("the client has the methods that its types declare", async () => {
  const { readFile } = await import("node:fs/promises");
  const types = await readFile(new URL("../../../sdk/js/index.d.ts", import.meta.url), "utf8");
  const declared = types.match(/export interface Client \{\n([^]*?)\n\}/)[1].matchAll(/^ {2}(\w+)[<(]/gm);
  assert.deepEqual(Object.keys(createClient(URL_OF_SERVICE)).sort(), [...declared].map((found) => found[1]).sort());
});

test("each module exports what its types declare, and no more", async () => {
  const { readFile } = await import("node:fs/promises");
  for (const name of ["index", "guard", "tokens"]) {
    const types = await readFile(new URL(`../../../sdk/js/${name}.d.ts`, import.meta.url), "utf8");
    const declared = [...types.matchAll(/^export (?:declare )?(?:class|function|const) (\w+)/gm)].map((found) => found[1]);
    assert.deepEqual(Object.keys(await import(`../../../sdk/js/${name}.js`)).sort(), declared.sort(), name);
  }
});
