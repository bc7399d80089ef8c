// What every page of the account shares: who is logged in, step-up by password, and logging out.

import { announceLogOut, callSignedIn, onLogOut, proveAgain } from "./api.js";
import { Form, general } from "./form.js";
import { passwordToggles } from "./password.js";
import { element, fill, icon, say, text } from "./page.js";

const dialog = document.getElementById("password-dialog");
const alert = document.getElementById("form-error");
let answered = null; // of the step-up that is being asked for

/** To the log-in, and back here afterwards. */
export function toLogIn(reason) {
  const next = reason === "expired" ? `&next=${encodeURIComponent(location.pathname)}` : "";
  location.replace(`/login?reason=${reason}${next}`);
}

/** Call the API as the person; asks for the password where the call wants a fresh sign-in. */
export async function ask(method, path, body) {
  const answer = await callSignedIn(method, path, body);
  if (answer.code === "session_ended") toLogIn("expired");
  if (answer.code !== "reauth_required") return answer;
  return (await provenAgain()) ? ask(method, path, body) : { ...answer, code: "cancelled" };
}

/** Whether the person has just entered the right password. */
export function provenAgain() {
  dialog.showModal();
  return new Promise((resolve) => {
    answered = resolve;
  });
}

new Form(document.getElementById("password-dialog-form"), {
  fields: { password: { check: (value) => (value === "" ? "password.empty" : null) } },
  busy: "busy.save",
  async send({ password }, form) {
    const answer = await proveAgain(password);
    if (answer.code === "session_ended") toLogIn("expired");
    else if (answer.ok) dialog.close("proven");
    else if (answer.code === "wrong_current_password") form.fault("password", "password.wrong");
    else form.refused(answer);
  },
});
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close(""));
dialog.addEventListener("close", () => {
  dialog.querySelector("form").reset();
  answered?.(dialog.returnValue === "proven");
  dialog.returnValue = "";
});

/** Show what went wrong while loading, with a way to try again. */
export function failed(answer, again) {
  if (answer.code === "session_ended" || answer.code === "cancelled") return;
  general(answer, {
    fail(key, values) {
      const button = element("button", { type: "button", class: "link" }, text("again"));
      button.addEventListener("click", () => {
        alert.replaceChildren();
        again();
      });
      const words = fill(document.createElement("p"), key, values);
      words.append(" ", button);
      alert.replaceChildren(element("div", { class: "message message--error" }, icon("error"), words));
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

document.getElementById("logout-form").addEventListener("submit", () => announceLogOut());
onLogOut(() => toLogIn("logged_out"));
addEventListener("pageshow", (event) => event.persisted && location.reload());
passwordToggles();
