// The one way to the JSON API. The access token lives in this module's memory and nowhere else;
// the refresh token in a cookie that no script can read.

const TIMEOUT = 20_000; // milliseconds
const LOST_RACE = 300; // milliseconds
const MARK = "signed-in"; // a cookie without a secret: there may be a session to renew
const WAITING = "auth.second-step";
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("auth") : null;

let accessToken = null;
let owner = null; // the account that the page is about, once it is known
let renewing = null; // the refresh that is under way

/**
 * Call the API. Resolves in every case to `{ok, status, code, fields, data, retryAfter}`; `status`
 * is 0 and `code` is "network" when no answer came within 20 seconds.
 */
export async function call(method, path, body, { signal, keepalive = false, bearer = null } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  // Not AbortSignal.any and .timeout: browsers of 2023 lack the first.
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

/** The same as the person who is logged in; renews the access token once if it has run out. */
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
 * Keep this access token. The cookie may have come to hold another account's session, by a log-in in another
 * tab: what was begun for one account must not be done to the other, so the page starts anew.
 */
async function keep(token) {
  const subject = subjectOf(token);
  if (owner !== null && subject !== owner) {
    location.reload();
    await new Promise(() => {}); // nobody goes on
  }
  owner = subject;
  accessToken = token;
}

/** Whose token it is; null for one that says nothing. */
function subjectOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).sub ?? null;
  } catch {
    return null;
  }
}

/** Log in; the session's refresh token becomes a cookie. */
export async function logIn(email, password, remember) {
  const body = { email, password, remember, token_delivery: "cookie" };
  const answer = await call("POST", "/auth/login", body);
  if (answer.ok) await begin(answer, remember);
  return answer;
}

async function begin(answer, remember) {
  owner = null;
  await keep(answer.data.access_token);
  document.cookie = `${MARK}=1; path=/; samesite=lax${secure()}${remember ? "; max-age=7776000" : ""}`;
  sessionStorage.removeItem("auth.email");
  channel?.postMessage({ loggedIn: owner });
}

/** What a browser needs to log in with a passkey, as `call` answers. */
export const passkeyOptions = () => call("POST", "/auth/login/passkey/options");

/** Log in with a passkey alone. */
export async function logInWithPasskey(credential, remember) {
  const answer = await call("POST", "/auth/login/passkey", { credential, remember, token_delivery: "cookie" });
  if (answer.ok) await begin(answer, remember);
  return answer;
}

/**
 * Note what a log-in that waits for its second factor is for, and how it may be given; what it was
 * answered is in a cookie.
 */
export function waitFor(next, remember, { methods, passkey_options: options }) {
  sessionStorage.setItem(WAITING, JSON.stringify({ next, remember, methods, options }));
}

/** What was noted by `waitFor`. */
export function waitingFor() {
  try {
    return JSON.parse(sessionStorage.getItem(WAITING)) ?? {};
  } catch {
    return {};
  }
}

/** Complete a log-in with its second factor. */
export async function secondStep(given, trust) {
  const answer = await call("POST", "/auth/login/second-factor", { ...given, trust_device: trust });
  if (answer.ok) {
    await begin(answer, waitingFor().remember === true);
    sessionStorage.removeItem(WAITING);
  }
  return answer;
}

/** A new access token for the session of the cookie: one tab at a time, and once for all who wait in it. */
export function renew() {
  const ask = async () => {
    let answer = await call("POST", "/auth/refresh", {});
    if (answer.status === 401 && answer.code !== "refresh_token_missing") {
      // A race that was lost to another window of this browser: its new cookie may be there by now.
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

/** Take the access token of a step-up in place of the present one, unless `signal` says that nobody wants it. */
export async function proveAgain(proof, signal) {
  const answer = await callSignedIn("POST", "/auth/reauth", proof, { signal });
  if (answer.ok && !signal.aborted) await keep(answer.data.access_token);
  return answer;
}

/** Whether there is a session; asks only where there may be one, so that a newcomer sees no refusal. */
export async function isSignedIn() {
  if (!mayBeSignedIn()) return false;
  if (accessToken !== null) return true;
  const renewed = await renew();
  if (renewed.status === 401) forget(); // so that nobody asks again
  return renewed.ok;
}

/** Whether this browser has logged in and not out. */
export function mayBeSignedIn() {
  return document.cookie.split("; ").includes(`${MARK}=1`);
}

/** Drop the access token, the mark, and the address that was typed. */
export function forget() {
  accessToken = null;
  document.cookie = `${MARK}=; path=/; max-age=0; samesite=lax${secure()}`;
  sessionStorage.removeItem("auth.email");
}

const secure = () => (location.protocol === "https:" ? "; secure" : "");

/** Find out anew whether there is a session, here and in the other tabs: something has ended sessions. */
export async function lookAgain() {
  accessToken = null;
  channel?.postMessage("look-again");
  await isSignedIn();
}

/** Tell the other tabs that the session is over. */
export function announceLogOut() {
  forget();
  channel?.postMessage("logged-out");
}

/** Do `leave` when another tab logs out, and `look` when it says that the session may be over. */
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
