// The client of the JSON API. The access token is only stored in this module's memory; the refresh token is
// in an HttpOnly cookie.

const TIMEOUT = 20_000; // milliseconds
const LOST_RACE = 300; // milliseconds
const MARK = "__Host-signed-in"; // a cookie without a secret: there may be a session to refresh
const WAITING = "auth.second-step";
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("auth") : null;

let accessToken = null;
let owner = null; // the account of the page, once it is known
let renewing = null; // the refresh in progress

/**
 * Call the API. Always resolves, to `{ok, status, code, fields, data, retryAfter}`. `status` is 0 and `code`
 * is "network" if there was no response within 20 seconds. A proof of work that the service asks for is made.
 */
export async function call(method, path, body, options = {}) {
  const answer = await send(method, path, body, options);
  if (answer.data.challenge?.kind !== "proof_of_work") return answer;
  const solver = await import("./challenge.js").catch(() => null); // the network
  const response = await solver?.solve(answer.data.challenge, options.signal);
  return response ? send(method, path, { ...body, challenge_response: response }, options) : answer;
}

async function send(method, path, body, { signal, keepalive = false, bearer = null }) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  // Not AbortSignal.any and .timeout: browsers of 2023 do not have the first.
  const ending = new AbortController();
  const end = () => ending.abort();
  const timeout = setTimeout(end, TIMEOUT);
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end);
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: ending.signal,
      keepalive,
    });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    const data = isJson ? await response.json() : {};
    return {
      ok: response.ok,
      status: response.status,
      code: data.code ?? "",
      fields: data.fields ?? {},
      data,
      retryAfter: Number(response.headers.get("Retry-After")) || 0,
    };
  } catch {
    return { ok: false, status: 0, code: "network", fields: {}, data: {}, retryAfter: 0 };
  } finally {
    clearTimeout(timeout);
    signal?.removeEventListener("abort", end);
  }
}

/** Call the API as the logged-in user. Refreshes an expired access token once. */
export async function callSignedIn(method, path, body, options = {}) {
  if (accessToken) {
    const answer = await call(method, path, body, { ...options, bearer: accessToken });
    if (answer.status !== 401) return answer;
  }
  const renewed = await renew();
  if (!renewed.ok) return renewed.status === 401 ? sessionEnded() : renewed;
  const answer = await call(method, path, body, { ...options, bearer: accessToken });
  return answer.status === 401 ? sessionEnded() : answer;
}

function sessionEnded() {
  forget();
  return { ok: false, status: 401, code: "session_ended", fields: {}, data: {}, retryAfter: 0 };
}

/**
 * Store this access token. If it is of another account, after a login in another tab, reload the page: an
 * action that began for one account must not continue for another.
 */
async function keep(token) {
  const subject = subjectOf(token);
  if (owner !== null && subject !== owner) {
    location.reload();
    await new Promise(() => {}); // never resolves: the page is reloading
  }
  owner = subject;
  accessToken = token;
}

/** Return the subject of a token, or null if it is malformed. */
function subjectOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub ?? null;
  } catch {
    return null;
  }
}

/** Log in. The refresh token is delivered as a cookie. */
export async function logIn(email, password, remember) {
  const body = { email, password, remember, token_delivery: "cookie" };
  const answer = await call("POST", "/auth/login", body);
  if (answer.ok) await begin(answer, remember);
  return answer;
}

async function begin(answer, remember) {
  owner = null;
  await keep(answer.data.access_token);
  document.cookie = `${MARK}=1; path=/; samesite=lax; secure${remember ? "; max-age=7776000" : ""}`;
  sessionStorage.removeItem("auth.email");
  channel?.postMessage({ loggedIn: owner });
}

/** Request the options for a login with a passkey. Resolves like `call`. */
export const passkeyOptions = () => call("POST", "/auth/login/passkey/options");

/** Log in with a passkey alone. */
export async function logInWithPasskey(credential, remember) {
  const answer = await call("POST", "/auth/login/passkey", { credential, remember, token_delivery: "cookie" });
  if (answer.ok) await begin(answer, remember);
  return answer;
}

/**
 * Store the methods and the target of a login that is waiting for its second factor. Its challenge is in a
 * cookie. `another`: it is to replace the session that there is.
 */
export function waitFor(next, remember, { methods, passkey_options: options }, { another = false } = {}) {
  sessionStorage.setItem(WAITING, JSON.stringify({ next, remember, methods, options, another }));
}

/** Return the values stored by `waitFor`. */
export function waitingFor() {
  try {
    return JSON.parse(sessionStorage.getItem(WAITING)) ?? {};
  } catch {
    return {};
  }
}

/** Complete a login with the second factor. */
export async function secondStep(given, trust) {
  const answer = await call("POST", "/auth/login/second-factor", { ...given, trust_device: trust });
  if (answer.ok) {
    await begin(answer, waitingFor().remember === true);
    sessionStorage.removeItem(WAITING);
  }
  return answer;
}

/** Refresh the access token: one tab at a time, and once for all concurrent callers of this tab. */
export function renew() {
  const ask = async () => {
    let answer = await call("POST", "/auth/refresh", {});
    if (answer.status === 401 && answer.code !== "refresh_token_missing") {
      // Another window of this browser refreshed first: its new cookie may have arrived.
      await new Promise((done) => setTimeout(done, LOST_RACE));
      answer = await call("POST", "/auth/refresh", {});
    }
    if (answer.ok) await keep(answer.data.access_token);
    return answer;
  };
  renewing ??= (navigator.locks ? navigator.locks.request("auth-refresh", ask) : ask()).finally(() => {
    renewing = null;
  });
  return renewing;
}

/** Replace the access token after a step-up, unless `signal` is aborted. */
export async function proveAgain(proof, signal) {
  const answer = await callSignedIn("POST", "/auth/reauth", proof, { signal });
  if (answer.ok && !signal.aborted) await keep(answer.data.access_token);
  return answer;
}

/** Return whether there is a session. Asks the server only if there may be one. */
export async function isSignedIn() {
  if (!mayBeSignedIn()) return false;
  if (accessToken !== null) return true;
  const renewed = await renew();
  if (renewed.status === 401) forget(); // so that it is not asked again
  return renewed.ok;
}

/** Return whether this browser logged in and did not log out. */
export function mayBeSignedIn() {
  return document.cookie.split("; ").includes(`${MARK}=1`);
}

/** Delete the access token, the hint cookie and the stored address. */
export function forget() {
  accessToken = null;
  document.cookie = `${MARK}=; path=/; max-age=0; samesite=lax; secure`;
  sessionStorage.removeItem("auth.email");
}

/** Check in all tabs whether the session still exists, after an action that ends sessions. */
export async function lookAgain() {
  accessToken = null;
  channel?.postMessage("look-again");
  await isSignedIn();
}

/** Notify the other tabs that the session has ended. */
export function announceLogOut() {
  forget();
  channel?.postMessage("logged-out");
}

/** Call `leave` when another tab logs out, and `look` when the session may have ended. */
export function onNews({ leave, look }) {
  channel?.addEventListener("message", ({ data }) => {
    if (data === "logged-out") {
      accessToken = null;
      leave();
    } else if (data === "look-again") {
      accessToken = null;
      look();
    } else if (data.loggedIn && owner !== null && data.loggedIn !== owner) location.reload();
  });
}
