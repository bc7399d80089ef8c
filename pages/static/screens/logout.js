// The logout request of an app: the API says whether the person is asked first.

import { announceLogOut, call, callSignedIn, isSignedIn } from "../lib/client.js";
import { showCard } from "../lib/card.js";
import { failIn, general } from "../lib/form.js";
import { element, fill, icon, say, setting, text } from "../lib/page.js";

const query = location.search.slice(1);
const place = document.getElementById("swap");
const at = (id) => document.getElementById(id);
const named = (words) => element("bdi", {}, words);
let wasSignedIn = false;

async function ask(confirmed) {
  wasSignedIn = (await isSignedIn()) || wasSignedIn;
  const body = { query, confirmed };
  const answer = wasSignedIn ? await callSignedIn("POST", "/auth/authorizations/logout", body) : null;
  // Without a session of this page, the cookie may still have one.
  if (answer && answer.code !== "session_ended") return answer;
  return call("POST", "/auth/authorizations/logout", body);
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

function show({ status, app, redirect_to: to, host }) {
  if (status === "confirm") return confirm(app);
  announceLogOut();
  if (status === "redirect") {
    say(text("logout.sending", { host }));
    return location.replace(to);
  }
  showCard("done");
  at("close").hidden = !wasSignedIn;
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
  at("log-out").addEventListener("click", logOut);
  const me = await callSignedIn("GET", "/auth/me");
  if (!me.ok || at("who") === null) return;
  at("who").hidden = false;
  fill(at("who"), "logout.who", { email: named(me.data.user.email || me.data.user.username) });
}

async function logOut() {
  const button = at("log-out");
  if (button.getAttribute("aria-busy")) return;
  at("form-error").replaceChildren();
  button.setAttribute("aria-busy", "true");
  button.prepend(icon("spinner"));
  say(text("logout.busy"));
  const answer = await ask(true);
  button.removeAttribute("aria-busy");
  button.querySelector(".icon--spinner").remove();
  say("");
  if (answer.ok) show(answer.data);
  else failed(answer, logOut);
}

await begin();
