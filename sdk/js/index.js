// The client of the authentication service, for browsers and Node.js. The access token is in the memory of this
// module only. The refresh token is in an HttpOnly cookie, or with body delivery in the store of the caller.

const TIMEOUT = 20_000; // milliseconds
const LOST_RACE = 300; // milliseconds in which the result of another tab arrives
const HINT = "__Host-signed-in"; // a cookie without a secret: there may be a session to refresh
const REMEMBERED = 90 * 24 * 60 * 60; // seconds that the hint lives; the session may end earlier
const REFRESH_TOKEN = "auth.refresh_token"; // names in the store
const DEVICE_TOKEN = "auth.device_token";

const WITHOUT_ANSWER = { network: "The server did not answer.", aborted: "The call was aborted." };

/** A call was refused or impossible. `status` is 0 and `code` is "network" if there was no answer. */
export class AuthError extends Error {
  constructor(code, { status = 0, data = {}, retryAfter = 0, requestId = "" } = {}) {
    super(data.message ?? WITHOUT_ANSWER[code] ?? code);
    this.name = "AuthError";
    Object.assign(this, { code, status, fields: data.fields ?? {}, retryAfter, requestId, data });
  }
}

/** Return a client of the service at `url`. The types and the guide describe its methods. */
export function createClient(url, { delivery, store = null, origins = [], solve = null, language = null } = {}) {
  const here = globalThis.location?.origin;
  const home = new URL(url, here);
  const base = home.href.replace(/\/$/, "");
  const byCookie = (delivery ?? (home.origin === here ? "cookie" : "body")) === "cookie";
  if (byCookie && home.origin !== here) throw new TypeError("cookie delivery needs the origin of the page");
  if (byCookie && store) throw new TypeError("a store is for body delivery");
  const trusted = new Set([home.origin, here, ...origins]);
  const kept = store ?? memoryStore();
  const locks = globalThis.navigator?.locks;
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`auth ${base}`) : null;
  channel?.unref?.(); // Node.js waits for it otherwise
  const listeners = new Set();

  let access = null; // the access token
  let owner = null; // the account of the page, once it is known
  let session = null; // the id of its session
  let permissions = new Set();
  let renewing = null; // the refresh in progress
  let heard = null; // is called with the access token of another tab
  let waiting = {}; // the login that waits for its second factor

  async function send(method, path, body, { signal, bearer = null } = {}) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const wanted = typeof language === "function" ? language() : language;
    if (wanted) headers["Accept-Language"] = wanted; // CORS needs no permission for it
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    const device = byCookie ? null : await kept.get(DEVICE_TOKEN);
    if (device) headers["X-Device-Token"] = device;
    // Not AbortSignal.any and .timeout: browsers of 2023 do not have the first.
    const ending = new AbortController();
    const end = () => ending.abort();
    const timeout = setTimeout(end, TIMEOUT);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
    try {
      const response = await fetch(base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: byCookie ? "same-origin" : "omit",
        signal: ending.signal,
      });
      const isJson = response.status !== 204 && response.headers.get("Content-Type")?.includes("json");
      const data = isJson ? await response.json() : {};
      if (response.ok) return data;
      return new AuthError(data.code ?? "unexpected", {
        status: response.status,
        data,
        retryAfter: Number(response.headers.get("Retry-After")) || 0,
        requestId: response.headers.get("X-Request-Id") ?? "",
      });
    } catch {
      return new AuthError(signal?.aborted ? "aborted" : "network");
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener("abort", end);
    }
  }

  /** Resolve to the answer, or to the `AuthError`. A challenge of the service is solved by `solve`. */
  async function attempt(method, path, body, options = {}) {
    const found = await send(method, path, body, options);
    const challenge = found instanceof AuthError && found.data.challenge;
    const response = challenge && solve ? await solve(challenge, options.signal) : null;
    return response ? send(method, path, { ...body, challenge_response: response }, options) : found;
  }

  const call = async (method, path, body, { signal } = {}) => unwrapped(await attempt(method, path, body, { signal }));

  async function callSignedIn(method, path, body, { signal } = {}) {
    const found = await withToken((bearer) => attempt(method, path, body, { signal, bearer }));
    if (found instanceof AuthError && found.status === 401) throw await sessionEnded();
    return unwrapped(found);
  }

  /** Resolve to `work(token)`; to that of a second try with a new token, if the first was a 401. */
  async function withToken(work) {
    const first = access;
    if (first) {
      const found = await work(first);
      if (found.status !== 401) return found;
    }
    if (access === null || access === first) await refresh(); // else another call has refreshed meanwhile
    return work(access);
  }

  async function authorizedFetch(input, init) {
    const request = new Request(input, init);
    if (!trusted.has(new URL(request.url).origin)) throw new TypeError("the origin of this call is not in `origins`");
    return withToken((token) => {
      const copy = request.clone();
      copy.headers.set("Authorization", `Bearer ${token}`);
      return fetch(copy);
    });
  }

  /** Run `work` in one tab at a time. It is told whether it had to wait for another one. */
  async function locked(work) {
    if (!locks) return work(false);
    let done = null;
    await locks.request(`auth ${base}`, { ifAvailable: true }, (lock) => lock && (done = work(false)));
    return done ?? locks.request(`auth ${base}`, () => work(true));
  }

  function refresh() {
    renewing ??= renew().finally(() => {
      renewing = null;
    });
    return renewing;
  }

  async function renew() {
    const news = new Promise((resolve) => {
      heard = resolve;
    });
    await locked(async (waited) => {
      const isDone = waited && byCookie && (await Promise.race([news, pause()]));
      if (!isDone) await exchange();
    });
  }

  async function exchange() {
    const given = await refreshToken();
    let found = await attempt("POST", "/auth/refresh", given);
    if (found.status === 401 && found.code !== "refresh_token_missing") {
      // A window without Web Locks may have refreshed first: its new token may have arrived.
      await pause();
      const next = await refreshToken();
      const isNew = byCookie || next.refresh_token !== given.refresh_token;
      if (isNew) found = await attempt("POST", "/auth/refresh", next);
    }
    if (found instanceof AuthError) {
      if (byCookie) channel?.postMessage({ token: null });
      throw found.status === 401 ? await sessionEnded() : found;
    }
    await keep(found);
    share();
  }

  async function refreshToken() {
    if (byCookie) return {};
    const token = await kept.get(REFRESH_TOKEN);
    if (!token) throw await sessionEnded();
    return { refresh_token: token };
  }

  /** Give the access token to the other tabs. Their scripts could get one by the cookie, too. */
  function share() {
    if (byCookie) channel?.postMessage({ token: access });
  }

  /** Keep the tokens of an answer, unless they are of another account than the page shows. */
  async function keep({ access_token: token, refresh_token: next, device_token: device }) {
    if (next) await kept.set(REFRESH_TOKEN, next);
    if (device) await kept.set(DEVICE_TOKEN, device);
    if (take(token)) return;
    signedOut("other_account");
    throw new AuthError("other_account", { status: 401 });
  }

  /** Take an access token, unless it is of another account than the page shows. Returns whether it did. */
  function take(token) {
    const { sub = null, sid = null } = claimsOf(token);
    if (owner !== null && sub !== owner) return false;
    [access, owner, session] = [token, sub, sid];
    return true;
  }

  /** Log in by this call. Under the lock, so that the cookie of a refresh cannot replace that of the login. */
  function begin(path, body, remember) {
    return locked(async () => {
      const found = await attempt("POST", path, body);
      if (found instanceof AuthError) {
        const { challenge_token: challenge, passkey_options: options } = found.data;
        delete found.data.challenge_token; // errors are logged
        if (found.code === "second_factor_required") waiting = { challenge, options, remember };
        throw found;
      }
      if (!found.access_token) return found; // confirmed without a login
      owner = null;
      permissions = new Set();
      waiting = {};
      await keep(found);
      hint(`1; path=/; samesite=lax; secure${remember ? `; max-age=${REMEMBERED}` : ""}`);
      channel?.postMessage({ loggedIn: owner });
      const { access_token: _, refresh_token: __, device_token: ___, ...answer } = found;
      return answer;
    });
  }

  const token_delivery = byCookie ? "cookie" : "body";

  async function passkey({ remember = false, mediation, signal } = {}) {
    const asked = await attempt("POST", "/auth/login/passkey/options", undefined, { signal });
    // A field that offers passkeys was not asked for by the person: it fails silently.
    if (asked instanceof AuthError) throw mediation ? new AuthError("passkey_cancelled") : asked;
    const credential = await shown(asked.public_key, { mediation, signal });
    const lasting = typeof remember === "function" ? remember() : remember;
    return begin("/auth/login/passkey", { credential, remember: lasting, token_delivery }, lasting);
  }

  async function secondFactor({ remember = waiting.remember, passkey: given, ...more }) {
    const body = waiting.challenge ? { ...more, challenge_token: waiting.challenge } : more;
    if (given) body.passkey = given === true ? await shown(waiting.options ?? {}) : given;
    return begin("/auth/login/second-factor", body, remember);
  }

  async function reauth({ passkey: given, ...proof }, { signal } = {}) {
    if (given === true) {
      const asked = await callSignedIn("POST", "/auth/reauth/options", undefined, { signal });
      given = await shown(asked.public_key, { signal });
    }
    const found = await callSignedIn("POST", "/auth/reauth", given ? { passkey: given } : proof, { signal });
    if (signal?.aborted) return;
    await keep(found);
    share();
  }

  async function logout() {
    await locked(async () => {
      const token = byCookie ? null : await kept.get(REFRESH_TOKEN);
      unwrapped(await attempt("POST", "/auth/logout", token ? { refresh_token: token } : {}, { bearer: access }));
      await forget();
    });
    signedOut("logged_out");
  }

  async function forget() {
    channel?.postMessage({ loggedOut: session });
    await drop();
  }

  async function drop() {
    access = session = null;
    permissions = new Set();
    hint("; path=/; max-age=0; samesite=lax; secure");
    await kept.remove(REFRESH_TOKEN);
  }

  function signedOut(reason) {
    access = null;
    permissions = new Set();
    for (const listener of [...listeners]) listener(reason);
  }

  async function sessionEnded() {
    const isNews = session !== null || (await mayBeSignedIn()); // else it was told
    await drop();
    if (isNews) signedOut("expired");
    return new AuthError("session_ended", { status: 401 });
  }

  function hint(value) {
    if (byCookie) document.cookie = `${HINT}=${value}`;
  }

  async function mayBeSignedIn() {
    if (byCookie) return document.cookie.split("; ").includes(`${HINT}=1`);
    return Boolean(await kept.get(REFRESH_TOKEN));
  }

  async function isSignedIn() {
    if (!(await mayBeSignedIn())) return false;
    if (access !== null) return true;
    return refresh().then(
      () => true,
      (error) => {
        if (error.code === "session_ended") return false;
        throw error;
      },
    );
  }

  function recheck() {
    access = null;
    channel?.postMessage({ recheck: true });
    return isSignedIn();
  }

  async function me() {
    const found = await callSignedIn("GET", "/auth/me");
    permissions = new Set(found.permissions);
    return found;
  }

  channel?.addEventListener("message", async ({ data }) => {
    if ("token" in data) {
      const isTaken = byCookie && data.token !== null && take(data.token);
      heard?.(isTaken);
    } else if ("loggedOut" in data) {
      if (!byCookie && (session === null || data.loggedOut !== session)) return; // that was another session
      await drop();
      signedOut("logged_out");
    } else if (data.recheck && owner !== null) {
      access = null;
      refresh().catch(() => {}); // an end of the session is told to the listeners
    } else if (data.loggedIn && byCookie && owner !== null && data.loggedIn !== owner) signedOut("other_account");
  });

  return {
    register({ next, ...given }) {
      const here = byCookie ? { next, token_delivery } : {}; // the confirmation in this browser logs in
      return call("POST", "/auth/register", { ...(!given.username && { username_from_email: true }), ...given, ...here });
    },
    confirm: (given) => begin("/auth/email/verify", { ...given, token_delivery }, false),
    login: (given) => begin("/auth/login", { ...given, token_delivery }, given.remember),
    secondFactor,
    passkey,
    refresh,
    isSignedIn,
    me,
    can: (permission) => permissions.has(permission),
    sessions: async () => (await callSignedIn("GET", "/auth/sessions")).sessions,
    reauth,
    logout,
    fetch: authorizedFetch,
    call,
    callSignedIn,
    forget,
    recheck,
    onSignedOut(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function unwrapped(found) {
  if (found instanceof AuthError) throw found;
  return found;
}

const pause = () => new Promise((resolve) => setTimeout(resolve, LOST_RACE));

function memoryStore() {
  const held = new Map();
  return {
    get: (name) => held.get(name) ?? null,
    set: (name, value) => void held.set(name, value),
    remove: (name) => void held.delete(name),
  };
}

/** Return the claims of an access token; none, if it is malformed. */
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

// Passkeys: conversion between the JSON of the API and the objects of WebAuthn.

const fromText = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const named = (list) => (list ?? []).map((each) => ({ ...each, id: fromText(each.id) }));
const FIELDS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

/** Return whether this browser supports passkeys. */
export const hasPasskeys = () => "PublicKeyCredential" in globalThis;

/** Return whether the browser offers passkeys in the autofill of a field. */
export const offersInField = async () =>
  hasPasskeys() && (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;

/** Create a passkey. Resolves to its JSON, or null if the person cancelled. */
export function makePasskey(options) {
  return answered(() =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        user: { ...options.user, id: fromText(options.user.id) },
        excludeCredentials: named(options.excludeCredentials),
      },
    }),
  );
}

/** Request an assertion; with `mediation: "conditional"`, from the autofill of a field. */
export function showPasskey(options, { mediation, signal } = {}) {
  return answered(() =>
    navigator.credentials.get({
      mediation,
      signal,
      publicKey: {
        ...options,
        challenge: fromText(options.challenge),
        allowCredentials: named(options.allowCredentials),
      },
    }),
  );
}

async function answered(work) {
  try {
    const { id, rawId, type, response } = await work();
    const told = FIELDS.filter((name) => response[name]).map((name) => [name, toText(response[name])]);
    return { id, rawId: toText(rawId), type, response: Object.fromEntries(told) };
  } catch {
    return null; // cancelled, timed out or no passkey: browsers do not distinguish these, for privacy
  }
}

async function shown(options, more) {
  const credential = await showPasskey(options, more);
  if (credential === null) throw new AuthError("passkey_cancelled");
  return credential;
}
