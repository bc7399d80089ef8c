// Log out: by a link of this service, or by the request of an app, where the API says whether to ask first.

import { announceLogOut, call, callSignedIn, isSignedIn, mayBeSignedIn } from "../lib/client.js";
import { showCard } from "../lib/card.js";
import { failIn, general } from "../lib/form.js";
import { element, fill, icon, say, setting, text } from "../lib/page.js";
import { proveAgain } from "./reauth_card.js";

const PATH = "/auth/authorizations/logout";
const LOST = { ok: false, status: 0, code: "network", fields: {}, data: {}, retryAfter: 0 };
const place = document.getElementById("swap");
const hasProvider = "provider" in place.dataset;
// Only at this address the query is that of an app.
const query = location.pathname === "/oauth/logout" ? location.search.slice(1) : "";
const at = (id) => document.getElementById(id);
// The address of an application that sent the person here to log out, which the server has checked.
const { return: returnTo, host: returnHost } = place.dataset;
const named = (words) => element("bdi", {}, words);
let wasSignedIn = false;
let everywhere = false;

async function ask(confirmed) {
  wasSignedIn = (await isSignedIn()) || wasSignedIn;
  if (!hasProvider) return askAlone(confirmed);
  const body = { query, confirmed };
  const answer = wasSignedIn ? await callSignedIn("POST", PATH, body) : null;
  // Without a session of this page, the cookie may still have one.
  if (answer && answer.code !== "session_ended") return answer;
  return call("POST", PATH, body);
}

/** As the API does, where it serves no apps. */
async function askAlone(confirmed) {
  if (!confirmed && !wasSignedIn && mayBeSignedIn()) return LOST;
  if (!confirmed) return { ok: true, data: { status: wasSignedIn ? "confirm" : "done" } };
  return { ...(await call("POST", "/auth/logout", {})), data: { status: "done" } };
}

async function begin() {
  place.setAttribute("aria-busy", "true");
  const timer = setTimeout(() => say(text("logout.loading")), 500);
  const answer = await ask(false);
  clearTimeout(timer);
  say("");
  place.removeAttribute("aria-busy");
  if (!answer.ok) return failed(answer, begin);
  show(answer.data);
}

function failed(answer, again) {
  const retry = element("button", { type: "button", class: "link" }, text("again"));
  retry.addEventListener("click", () => {
    at("form-error").replaceChildren();
    document.querySelector("h1").focus(); // the button was removed
    again();
  });
  const fail = (key, values) => failIn(at("form-error"), key, values, retry);
  if (answer.status === 0) fail("logout.unreached");
  else general(answer, { fail });
}

function show({ status, app, redirect_to: to = returnTo, host = returnHost, apps }, isConfirmed = false) {
  if (status === "confirm") return confirm(app);
  announceLogOut();
  if (status === "redirect" || (isConfirmed && returnTo && !apps)) {
    say(text("logout.sending", { host }));
    return location.replace(to);
  }
  showCard("done");
  at("close").hidden = !wasSignedIn;
  if (apps) {
    at("apps").hidden = false;
    const names = apps.flatMap((each, number) => (number ? [", ", named(each)] : [named(each)]));
    fill(at("apps"), "logout.apps", { apps: element("span", {}, ...names) });
  }
  at("back").hidden = !to;
  if (to) {
    at("back").href = to;
    at("back").textContent = text("logout.back", { host });
  }
}

async function confirm(app) {
  showCard("confirm");
  if (app) {
    at("asks").hidden = false;
    fill(at("asks"), "logout.asks", { app: named(app), brand: setting("brand") });
  }
  at("logout-form").addEventListener("submit", (event) => {
    event.preventDefault();
    everywhere = at("everywhere").checked;
    logOut();
  });
  const me = await callSignedIn("GET", "/auth/me");
  if (!me.ok || at("who") === null) return;
  at("who").hidden = false;
  fill(at("who"), "logout.who", { email: named(me.data.user.email || me.data.user.username) });
}

async function logOut() {
  const button = document.querySelector("#swap button[type=submit]");
  if (button.getAttribute("aria-busy")) return;
  at("form-error").replaceChildren();
  button.setAttribute("aria-busy", "true");
  button.prepend(icon("spinner"));
  say(text("logout.busy"));
  const answer = await end();
  button.removeAttribute("aria-busy");
  button.querySelector(".icon--loader-circle").remove();
  say("");
  await ended(answer);
}

async function ended(answer) {
  if (answer.ok) show(answer.data, true);
  else if (answer.code === "reauth_required") await reauth();
  else failed(answer, logOut);
}

/** End the sessions: the other ones first, so that this one can still be proven if that fails. */
async function end() {
  if (everywhere) {
    const others = await callSignedIn("POST", "/auth/sessions/revoke-others");
    if (!others.ok && others.code !== "session_ended") return others;
  }
  return ask(true);
}

/** To end other sessions, the login has to be fresh. */
async function reauth() {
  const me = await callSignedIn("GET", "/auth/me");
  if (!me.ok) return me.code === "session_ended" ? begin() : failed(me, reauth);
  showCard("reauth");
  const isFactor = me.data.user.two_factor_enabled;
  at("reauth-text").textContent = text(isFactor ? "logout.reauth.factor" : "logout.reauth.password");
  const done = async () => ended(await end());
  proveAgain({ account: me.data.user, isFactor, busy: "logout.busy", done, ended: begin });
}

await begin();
