// The request of an app: the API says what the person is asked, and where the browser goes then.

import { call, callSignedIn, isSignedIn } from "../lib/client.js";
import { showCard } from "../lib/card.js";
import { failIn, general } from "../lib/form.js";
import { element, fill, icon, initial, retitle, say, setting, text } from "../lib/page.js";
import { proveAgain } from "./reauth_card.js";

const place = document.getElementById("swap");
const { query, ticket: fresh, digest } = place.dataset;
const STORED = `auth.authorize.${digest}`; // the ticket of this request, across login and sign-up
const SETTLED = 500; // milliseconds for which the page is seen before it lets an app in: no double-click trick
const here = location.pathname + location.search;
const at = (id) => document.getElementById(id);
const named = (words) => element("bdi", {}, words);
let state = stored();
let app = text("authorize.app");
let seen = watched() ? performance.now() : Infinity;

function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED));
    return found?.ticket ? found : { ticket: fresh, answered: false };
  } catch {
    return { ticket: fresh, answered: false };
  }
}

function keep(change = {}) {
  state = { ...state, ...change };
  sessionStorage.setItem(STORED, JSON.stringify(state));
}

/** Go to a page of this service that comes back here, with the same ticket. */
function leaveTo(path, more = {}) {
  keep();
  location.replace(`${path}?${new URLSearchParams({ ...more, next: here })}`);
}

async function ask() {
  place.setAttribute("aria-busy", "true");
  const timer = setTimeout(() => say(text("authorize.loading")), 500);
  const body = { query, ...state };
  const signedIn = await isSignedIn();
  let answer = signedIn ? await callSignedIn("POST", "/auth/authorizations", body) : null;
  if (answer === null || answer.code === "session_ended") answer = await call("POST", "/auth/authorizations", body);
  clearTimeout(timer);
  say("");
  show(answer, ask);
}

/** Show what the API says; `again` repeats the call. */
function show(answer, again) {
  place.removeAttribute("aria-busy");
  if (!answer.ok) return refused(answer, again);
  const { client, status, login_hint: hint } = answer.data;
  if (client) app = client.name;
  const shown = {
    login: () => toLogIn(hint),
    create: () => {
      keep({ answered: true });
      leaveTo("/signup");
    },
    select_account: () => chooseAccount(answer.data),
    reauth: () => reauth(answer.data),
    consent: () => consent(answer.data),
    permission_missing: () => denied(answer.data),
    redirect: () => go(answer.data.redirect_to, app),
  };
  shown[status]();
}

function toLogIn(hint) {
  if (hint) sessionStorage.setItem("auth.login_hint", hint);
  leaveTo("/login");
}

function refused(answer, again) {
  if (answer.code === "second_factor_setup_required") return leaveTo("/account/two-factor");
  if (answer.code === "session_ended") return toLogIn();
  if (answer.code === "oauth_ticket_invalid" && state.ticket !== fresh) {
    keep({ ticket: fresh, answered: false });
    return ask();
  }
  if (answer.code.startsWith("oauth_")) return expired();
  const retry = element("button", { type: "button", class: "link" }, text("again"));
  retry.addEventListener("click", () => {
    at("form-error").replaceChildren();
    document.querySelector("h1").focus(); // the button was removed
    again();
  });
  const fail = (key, values) => failIn(at("form-error"), key, values, retry);
  if (answer.status === 0) fail("authorize.unreached");
  else general(answer, { fail });
}

/** Send the browser to the app: not by a form, whose target the policy of the page would limit. */
function go(to, host) {
  sessionStorage.removeItem(STORED);
  location.replace(to);
  if (/^https?:/.test(to)) return say(text("authorize.sending", { host }));
  showCard("sent"); // the app opens beside this page, which stays
  title("authorize.sending", { host: app });
  at("sent-text").textContent = text("authorize.sent");
}

function title(key, values) {
  fill(document.querySelector("h1"), key, values);
  retitle();
}

/** Log out before another account logs in. The request and its ticket stay. */
function notYou() {
  at("not-you").href = `/logout?${new URLSearchParams({ next: here })}`;
  at("not-you").addEventListener("click", () => keep());
}

function another() {
  at("not-you").href = `/login?${new URLSearchParams({ another: "1", next: here })}`;
  at("not-you").addEventListener("click", () => keep({ answered: true }));
}

function host({ redirect_kind: kind, redirect_host: name }) {
  const line = at("host");
  if (kind === "web") fill(line, "authorize.sends.web", { host: named(name) });
  else if (kind === "loopback") line.textContent = text("authorize.sends.loopback");
  else fill(line, "authorize.sends.app", { scheme: named(name) });
}

function consent({ client, account, scopes, new: isNew }) {
  showCard("consent");
  document.querySelector(".tile").textContent = initial(app);
  host(client);
  fill(at("who"), "authorize.logged_in", { email: named(account.email) });
  notYou();
  if (client.resource) fill(at("able"), "authorize.able_resource", { app: named(app), resource: named(client.resource) });
  else fill(at("able"), "authorize.able", { app: named(app) });
  const row = ({ name, words }) =>
    element("li", {}, icon("check"), element("span", {}, words ?? text(SCOPES[name], { email: account.email })));
  const before = isNew ? [] : scopes.filter((each) => each.allowed);
  const added = scopes.filter((each) => !before.includes(each));
  const wantsMore = before.length > 0 && added.length > 0; // an app on this machine is asked each time
  title(wantsMore ? "authorize.wants_more" : "authorize.wants", { app: named(app) });
  at("new").replaceChildren(...added.map(row));
  at("already").replaceChildren(...before.map(row));
  at("new").hidden = added.length === 0;
  at("already").hidden = at("already-title").hidden = before.length === 0;
  at("new-title").hidden = !wantsMore;
  documents(client);
  warn(client);
  at("allow").addEventListener("click", () => decide(true, client, scopes));
  at("cancel").addEventListener("click", () => decide(false, client, scopes));
}

const SCOPES = {
  openid: "authorize.scope.openid",
  profile: "authorize.scope.profile",
  email: "authorize.scope.email",
  offline_access: "authorize.scope.offline_access",
  roles: "authorize.scope.roles",
};

/** Link to the privacy policy and the terms of the app. */
function documents({ policy_uri: policy, terms_uri: terms }) {
  for (const [id, uri] of Object.entries({ policy, terms })) {
    if (!uri?.startsWith("https://")) continue;
    at(id).href = uri;
    at(id).hidden = at("links").hidden = false;
  }
}

function warn({ redirect_kind: kind }) {
  at("warning").hidden = kind === "web";
  const words = at("warning").querySelector("p");
  if (kind === "loopback") fill(words, "authorize.warning.loopback", { app: named(app) });
  if (kind === "app") fill(words, "authorize.warning.app", { app: named(app) });
}

async function decide(allow, client, scopes) {
  const button = at(allow ? "allow" : "cancel");
  if (document.querySelector(".ask__buttons [aria-busy]")) return;
  if (allow && performance.now() - seen < SETTLED) return;
  at("form-error").replaceChildren();
  button.setAttribute("aria-busy", "true");
  button.prepend(icon("spinner"));
  const isLocal = client.redirect_kind === "loopback";
  const name = client.redirect_kind === "web" ? client.redirect_host : app;
  say(isLocal ? text("authorize.sending.loopback") : text("authorize.sending", { host: name }));
  const body = { query, ticket: state.ticket, allow, scopes: scopes.map((each) => each.name) };
  const answer = await callSignedIn("POST", "/auth/authorizations/decision", body);
  if (answer.ok && answer.data.status === "redirect") return go(answer.data.redirect_to, name);
  button.removeAttribute("aria-busy");
  button.querySelector(".icon--loader-circle").remove();
  say("");
  show(answer, () => decide(allow, client, scopes));
}

function chooseAccount({ client, account }) {
  showCard("account");
  title("authorize.account", { app: named(app) });
  host(client);
  another();
  at("continue").firstElementChild.textContent = text("authorize.account.continue", { email: account.email });
  at("continue").addEventListener("click", () => {
    keep({ answered: true });
    ask();
  });
}

function reauth({ account, by_factor: byFactor }) {
  showCard("reauth");
  another();
  const isFactor = byFactor || account.two_factor_enabled;
  if (isFactor) fill(at("reauth-text"), "authorize.reauth.factor", { app: named(app) });
  else fill(at("reauth-text"), "authorize.reauth.password", { app: named(app) });
  keep();
  proveAgain({ account, isFactor, done: ask, ended: () => toLogIn() });
}

function denied({ redirect_to: to }) {
  showCard("denied");
  title("authorize.denied", { app: named(app) });
  at("denied-text").textContent = text("authorize.denied.text", { brand: setting("brand") });
  at("back-to-app").firstElementChild.textContent = text("authorize.denied.back", { app });
  at("back-to-app").addEventListener("click", () => go(to, app));
}

function expired() {
  sessionStorage.removeItem(STORED);
  showCard("expired");
  fill(at("expired-text"), "authorize.expired", { app: named(app) });
}

/** Whether the person can see the page and is using it. */
function watched() {
  return document.visibilityState === "visible" && document.hasFocus();
}

function look() {
  if (!watched()) seen = Infinity;
  else if (seen === Infinity) seen = performance.now();
}
for (const name of ["focus", "blur"]) addEventListener(name, look);
document.addEventListener("visibilitychange", look);
addEventListener("pageshow", (event) => event.persisted && location.reload());
await ask();
