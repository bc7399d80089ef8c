// Shared by the account pages: the current user, step-up and logout. Each of them has the shell.

import { callSignedIn, logOut as endSession, mayBeSignedIn, onSessionEnd, proveAgain } from "../lib/client.js";
import { asked, dialogButtons } from "../lib/dialog.js";
import { Form, failIn, general } from "../lib/form.js";
import { hasPasskeys, showPasskey } from "../lib/auth.js";
import { passwordToggles } from "../lib/password.js";
import { exact } from "../lib/moments.js";
import { element, fill, say, text } from "../lib/page.js";
import { showWho } from "./shell.js";

const SET_UP = "/account/two-factor";
const dialog = document.getElementById("password-dialog");
const question = document.getElementById("password-dialog-form");
const alert = document.getElementById("form-error");
const wasLoggedIn = mayBeSignedIn(); // when the page was opened
const passkey = document.getElementById("step-up-passkey");
const warning = document.getElementById("factors-reset");
const title = document.getElementById("password-dialog-title");
let hasFactor = false; // then step-up asks for the factor instead of the password
let hasPassword = true;
let leaving = false; // the page is redirecting to the login
let opening = null; // aborts requests of a dialog that was closed

/** Redirect to the login and back. Shows that the session ended only if there was one. */
export function toLogIn(reason) {
  if (leaving) return;
  leaving = true;
  const query = new URLSearchParams(wasLoggedIn ? { reason } : {});
  if (reason === "expired") query.set("next", location.pathname);
  location.replace(`/login?${query}`);
}

/** Redirect to the setup of the required second factor, and back. */
function toSetUp(answer) {
  if (!leaving) location.replace(`${SET_UP}?${new URLSearchParams({ next: location.pathname })}`);
  leaving = true;
  return { ...answer, ok: false, code: "cancelled" };
}

/** Call the API as the user, with step-up if the call requires a recent login. */
export async function ask(method, path, body) {
  const answer = await callSignedIn(method, path, body);
  if (answer.code === "session_ended") toLogIn("expired");
  if (answer.code === "second_factor_setup_required") return toSetUp(answer);
  if (answer.code !== "reauth_required") return answer;
  return (await provenAgain()) ? ask(method, path, body) : { ...answer, code: "cancelled" };
}

/** Ask for the password or factor. Resolves to whether it was right. */
export async function provenAgain() {
  if (!hasFactor && !hasPassword) {
    leaving = true;
    location.assign("/account/security"); // setting a password is the only remaining way to step up
    return false;
  }
  opening = new AbortController();
  const closed = asked(dialog);
  question.elements[hasFactor ? "code" : "password"].focus(); // hidden fields are not focused automatically
  const proven = await closed;
  opening.abort();
  question.reset();
  return proven === "proven";
}

const proof = new Form(question, {
  fields: {
    password: { check: (value) => (!hasFactor && value === "" ? "password.empty" : null) },
    code: { check: (value) => (hasFactor && value.trim() === "" ? "code.empty" : null) },
  },
  busy: "busy.save",
  send: ({ password, code }) => prove(hasFactor ? { code: code.trim() } : { password }),
});

async function prove(given) {
  const { signal } = opening;
  const answer = await proveAgain(given, signal);
  if (signal.aborted) return;
  if (answer.code === "session_ended") toLogIn("expired");
  else if (answer.ok) dialog.close("proven");
  else if (answer.code === "wrong_current_password") proof.fault("password", "password.wrong");
  else if (answer.code === "wrong_code" && given.code) proof.fault("code", "code.wrong");
  else if (answer.code === "wrong_code") proof.fail("passkey.failed");
  else proof.refused(answer);
}

async function provePasskey() {
  const { signal } = opening;
  const asked = await callSignedIn("POST", "/auth/reauth/options", undefined, { signal });
  if (signal.aborted) return;
  if (!asked.ok) return asked.code === "no_passkeys" ? proof.fail("passkey.none") : proof.refused(asked);
  const credential = await showPasskey(asked.data.public_key, { signal });
  if (credential !== null) await prove({ passkey: credential });
}

passkey.addEventListener("click", provePasskey);
document.getElementById("keep-factors").addEventListener("click", keepFactors);

/** Show the error of a call without a form, with a button to retry; `words` replaces the general text. */
export function failed(answer, again, words) {
  if (answer.code === "session_ended" || answer.code === "cancelled") return;
  const page = {
    fail(key, values) {
      const button = element("button", { type: "button", class: "link" }, text("again"));
      button.addEventListener("click", () => {
        alert.replaceChildren();
        document.querySelector("h1").focus(); // the button was removed
        again();
      });
      failIn(alert, key, values, button);
    },
  };
  if (words) page.fail(words);
  else general(answer, page);
}

/** Make the first call of a page. Shows that it is loading if it is slow. */
export async function load(path) {
  const timer = setTimeout(() => say(text("busy.account")), 500);
  const answer = await ask("GET", path);
  clearTimeout(timer);
  say("");
  return answer;
}

/** Load the user, and set the user name field for password managers. */
export async function loadMe() {
  const answer = await load("/auth/me");
  if (!answer.ok) return answer;
  const { user, second_factor_setup_required: required, factors_reset_at: due } = answer.data;
  hasPassword = answer.data.has_password;
  if (required && location.pathname !== SET_UP) return toSetUp(answer);
  knowWho(user);
  warn(due);
  return answer;
}

/** Show when an operator's removal of the second factors is due. */
function warn(due) {
  warning.hidden = !due;
  if (!due) return;
  const at = element("time", { datetime: due }, exact(due));
  fill(warning.querySelector("p"), "reset_factors.text", { time: at });
}

async function keepFactors() {
  const answer = await ask("DELETE", "/auth/factors-reset");
  if (!answer.ok && answer.code !== "no_factors_reset") return failed(answer, keepFactors);
  warning.hidden = true;
  if (!answer.ok) return location.reload(); // completed, or cancelled elsewhere
  const kept = document.getElementById("factors-kept");
  kept.hidden = false;
  kept.focus();
}

/** Show the user, set the hidden fields for password managers, and the kind of step-up. */
export function knowWho(user) {
  const { email, two_factor_enabled: isOn = false } = user;
  showWho(user);
  hasFactor = isOn;
  for (const [id, shown] of [["ask-password", !isOn], ["ask-factor", isOn]]) {
    document.getElementById(id).hidden = !shown;
  }
  if (isOn && title.dataset.factor) title.textContent = title.dataset.factor;
  question.elements.password.closest(".field").hidden = isOn;
  question.elements.code.closest(".field").hidden = !isOn;
  passkey.hidden = !isOn || !hasPasskeys();
  for (const input of document.querySelectorAll("input[autocomplete=username]")) input.value = email;
}

/** Log out, and redirect after the response. */
async function logOut() {
  const answer = await endSession();
  if (!answer.ok) return failed(answer, logOut);
  toLogIn("logged_out");
}

for (const form of document.querySelectorAll('form[action="/logout"]')) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    logOut();
  });
}
onSessionEnd(toLogIn);
addEventListener("pageshow", (event) => event.persisted && location.reload());
for (const each of document.querySelectorAll("dialog")) dialogButtons(each);
passwordToggles();
