// The client of the screens. They show refusals instead of throwing them: calls resolve to an answer,
// `{ok, status, code, fields, data, retryAfter}`.

import { AuthError, createClient } from "./auth.js";

const HINT = "__Host-signed-in=1";
const LANGUAGE = "__Host-lang";
const WAITING = "auth.second-step";
const EMAIL = "auth.email";
const WHO = "auth.who"; // the address and the user name that the header of the account shows
const REQUEST = "auth.sign-up-request";
const DEPARTURES = "auth.departures"; // the last ones of the login page for an address that asked for a login
const LOOP = { times: 3, within: 60_000 }; // milliseconds
const auth = createClient(location.origin, { solve, language: document.documentElement.lang });

/** Make the proof of work that the service may ask for. */
async function solve(challenge, signal) {
  if (challenge.kind !== "proof_of_work") return null;
  const solver = await import("./challenge.js").catch(() => null); // the network
  return solver?.solve(challenge, signal) ?? null;
}

/** Forget who typed an address, and who was logged in. */
function forgetWho() {
  for (const key of [EMAIL, WHO]) sessionStorage.removeItem(key);
}

/** Remember who is logged in, for the header of the next page. It is gone with the session. */
export const rememberWho = (user) => sessionStorage.setItem(WHO, JSON.stringify(user));

/** Return who was logged in on the page before, or null. */
export const rememberedWho = () => (mayBeSignedIn() ? JSON.parse(sessionStorage.getItem(WHO)) : null);

async function answered(work) {
  try {
    return { ok: true, status: 200, code: "", fields: {}, data: await work, retryAfter: 0 };
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { status, code, fields, data, retryAfter } = error;
    if (code === "other_account") await new Promise(() => {}); // never resolves: the page is reloading
    return { ok: false, status, code, fields, data, retryAfter };
  }
}

// An action that began for one account must not continue for another.
auth.onSignedOut((reason) => {
  forgetWho();
  if (reason === "logged_out") forgetDepartures();
  if (reason === "other_account") location.reload();
});

/** Call the API. `status` is 0 if there was no answer. */
export const call = (...given) => answered(auth.call(...given));

/** Call the API as the logged-in user. Refreshes an expired access token once. */
export const callSignedIn = (...given) => answered(auth.callSignedIn(...given));

/** Refresh the access token. */
export const renew = () => answered(auth.refresh());

async function begun(work) {
  const answer = await answered(work);
  if (!answer.ok) return answer;
  forgetWho();
  const { locale } = answer.data.user ?? {};
  const isChosen = document.cookie.split("; ").some((each) => each.startsWith(`${LANGUAGE}=`));
  if (locale && !isChosen) speak(locale);
  return answer;
}

/** Store the language of the screens: at once, and for a year by the server. An empty one asks the browser. */
export function speak(language) {
  document.cookie = `${LANGUAGE}=${language}; Path=/; Max-Age=${language ? 31536000 : 0}; Secure; SameSite=Lax`;
  return fetch("/preferences/language", {
    method: "POST",
    body: new URLSearchParams({ language, back: "/terms" }),
    redirect: "manual",
    keepalive: true, // also if the page is left immediately
  }).catch(() => {});
}

/** Log in. */
export const logIn = (email, password, remember) => begun(auth.login({ email, password, remember }));

/** Sign up. Where to go on after the confirmation in this browser is `next`. */
export const signUp = (given) => answered(auth.register(given));

/** Keep the request of an app that is too long for `next` of the API, or none, for the newest sign-up. */
export function keepRequest(address) {
  if (address === null) localStorage.removeItem(REQUEST);
  else localStorage.setItem(REQUEST, address);
}

/** Return the request that was kept, or null, and forget it. The mailed link opens in a tab of its own. */
export function takeRequest() {
  const address = localStorage.getItem(REQUEST);
  localStorage.removeItem(REQUEST);
  return address;
}

/** Confirm the address of a sign-up, and log in. */
export const confirmSignUp = (given) => begun(auth.confirm(given));

/** Log in with a passkey alone. `options` are those of `auth.passkey`. */
export const logInWithPasskey = (options) => begun(auth.passkey(options));

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

/** Return when the login page left for this address within the last minute. */
function departures(to) {
  const kept = JSON.parse(sessionStorage.getItem(DEPARTURES)) ?? {};
  return kept.to === to ? kept.at.filter((time) => Date.now() - time < LOOP.within) : [];
}

/** Note that the login page leaves for this address. */
export function noteDeparture(to) {
  const at = [...departures(to), Date.now()].slice(-LOOP.times);
  sessionStorage.setItem(DEPARTURES, JSON.stringify({ to, at }));
}

/** Return whether this address has sent the browser back to the login three times in a minute. */
export const comesBack = (to) => departures(to).length === LOOP.times;

/** Begin to count the departures anew. */
export const forgetDepartures = () => sessionStorage.removeItem(DEPARTURES);

/** Complete a login with the second factor. */
export async function secondStep(given, trust) {
  const remember = waitingFor().remember === true;
  const answer = await begun(auth.secondFactor({ ...given, trust_device: trust, remember }));
  if (answer.ok) sessionStorage.removeItem(WAITING);
  return answer;
}

/** Replace the access token after a step-up, unless `signal` is aborted. */
export const proveAgain = (proof, signal) => answered(auth.reauth(proof, { signal }));

/** Return whether there is a session. Asks the server only if there may be one. */
export const isSignedIn = async () => (await answered(auth.isSignedIn())).data === true;

/** Return whether this browser logged in and did not log out. */
export const mayBeSignedIn = () => document.cookie.split("; ").includes(HINT);

/** Check in all tabs whether the session still exists, after an action that ends sessions. */
export const lookAgain = () => answered(auth.recheck());

/** Log out in all tabs. */
export const logOut = () => answered(auth.logout());

/** Forget the session in all tabs, after another call has ended it. */
export function announceLogOut() {
  forgetWho();
  forgetDepartures();
  return auth.forget();
}

/** Call `leave(reason)` when the session has ended: "expired" or "logged_out". */
export function onSessionEnd(leave) {
  auth.onSignedOut((reason) => reason !== "other_account" && leave(reason));
}
