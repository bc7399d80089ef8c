// What every page of the account shares: who is logged in, step-up by password, and logging out.

import { announceLogOut, call, callSignedIn, mayBeSignedIn, onNews, proveAgain } from "../lib/api.js";
import { asked, dialogButtons } from "../lib/dialog.js";
import { Form, failIn, general } from "../lib/form.js";
import { hasPasskeys, showPasskey } from "../lib/passkey.js";
import { passwordToggles } from "../lib/password.js";
import { exact } from "../lib/moments.js";
import { element, fill, say, text } from "../lib/page.js";

const SET_UP = "/account/two-factor";
const dialog = document.getElementById("password-dialog");
const question = document.getElementById("password-dialog-form");
const alert = document.getElementById("form-error");
const wasLoggedIn = mayBeSignedIn(); // when the page was opened
const passkey = document.getElementById("step-up-passkey");
const warning = document.getElementById("factors-reset");
const title = document.getElementById("password-dialog-title");
let hasFactor = false; // then that is asked for, and not the password
let hasPassword = true;
let leaving = false; // for the log-in page
let opening = null; // of the dialog: what was begun in one is nothing to the next

/** To the log-in, and back here afterwards. Who has not been logged in is not told that it is over. */
export function toLogIn(reason) {
  if (leaving) return;
  leaving = true;
  const query = new URLSearchParams(wasLoggedIn ? { reason } : {});
  if (reason === "expired") query.set("next", location.pathname);
  location.replace(`/login?${query}`);
}

/** To where a second factor is set up, which is wanted first, and back here afterwards. */
function toSetUp(answer) {
  if (!leaving) location.replace(`${SET_UP}?${new URLSearchParams({ next: location.pathname })}`);
  leaving = true;
  return { ...answer, ok: false, code: "cancelled" };
}

/** Call the API as the person; asks for the password where the call wants a fresh sign-in. */
export async function ask(method, path, body) {
  const answer = await callSignedIn(method, path, body);
  if (answer.code === "session_ended") toLogIn("expired");
  if (answer.code === "second_factor_setup_required") return toSetUp(answer);
  if (answer.code !== "reauth_required") return answer;
  return (await provenAgain()) ? ask(method, path, body) : { ...answer, code: "cancelled" };
}

/** Whether the person enters the right password now. */
export async function provenAgain() {
  if (!hasFactor && !hasPassword) {
    leaving = true;
    location.assign("/account/security"); // where a password is set, which is the only proof that is left
    return false;
  }
  opening = new AbortController();
  const closed = asked(dialog);
  question.elements[hasFactor ? "code" : "password"].focus(); // what is hidden cannot take it by itself
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
  else if (answer.code === "wrong_code") proof.fail("passkey.refused");
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

/** Show a refusal of a call that no form made, with a way to try again. */
export function failed(answer, again) {
  if (answer.code === "session_ended" || answer.code === "cancelled") return;
  general(answer, {
    fail(key, values) {
      const button = element("button", { type: "button", class: "link" }, text("again"));
      button.addEventListener("click", () => {
        alert.replaceChildren();
        document.querySelector("h1").focus(); // the button is gone
        again();
      });
      failIn(alert, key, values, button);
    },
  });
}

/** Do the first call of a page; says that it loads if that takes a moment. */
export async function load(path) {
  const timer = setTimeout(() => say(text("busy.account")), 500);
  const answer = await ask("GET", path);
  clearTimeout(timer);
  say("");
  return answer;
}

/** Who is logged in; password managers are told whose password the fields of the page are about. */
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

/** Say that an operator is about to remove the second factors, and when. */
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
  if (!answer.ok) return location.reload(); // it is done, or was stopped elsewhere
  const kept = document.getElementById("factors-kept");
  kept.hidden = false;
  kept.focus();
}

/** Tell the fields that only password managers see, and the dialog what to ask for. */
export function knowWho({ email, two_factor_enabled: isOn = false }) {
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

/** Nothing is said to be over before it is. */
async function logOut() {
  const answer = await call("POST", "/auth/logout", {});
  if (!answer.ok) return failed(answer, logOut);
  announceLogOut();
  toLogIn("logged_out");
}

document.getElementById("logout-form").addEventListener("submit", (event) => {
  event.preventDefault();
  logOut();
});
onNews({ leave: () => toLogIn("logged_out"), look: () => ask("GET", "/auth/me") });
addEventListener("pageshow", (event) => event.persisted && location.reload());
for (const each of document.querySelectorAll("dialog")) dialogButtons(each);
passwordToggles();
