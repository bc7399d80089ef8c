import { ask, failed, load, loadMe } from "./account.js";
import { call } from "../lib/client.js";
import { asked } from "../lib/dialog.js";
import { Form, newPassword, present } from "../lib/form.js";
import { strengthMeter } from "../lib/meter.js";
import { element, fill, text } from "../lib/page.js";

const place = (id) => document.getElementById(id);
const node = document.getElementById("password-form");
const { username, new_password: password } = node.elements;

new Form(node, {
  fields: present(node, {
    current_password: { check: (value) => (value === "" ? "password.empty" : null) },
    ...newPassword(),
  }),
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code === "wrong_current_password") form.fault("current_password", "password.wrong");
    return answer.code === "wrong_current_password";
  },
  async send(values, form) {
    const answer = await ask("POST", "/auth/password/change", {
      current_password: values.current_password,
      new_password: values.new_password,
      end_other_sessions: values.end_others === "1",
      revoke_api_tokens: values.remove_tokens === "1",
    });
    if (!answer.ok) return form.refused(answer);
    node.reset();
    node.hidden = true;
    showTokens(answer.data.api_tokens);
    const done = place("changed");
    done.hidden = false;
    done.focus();
  },
});
strengthMeter(password, () => (username.value ? { email: username.value } : {}));

/** Show which API tokens still work: they do not end with the sessions. */
function showTokens(names) {
  const link = element("a", { class: "link link--inline", href: "/account/tokens" }, text("security.tokens"));
  place("tokens-left").hidden = names.length === 0;
  fill(place("tokens-left"), "security.tokens_left", { names: names.join(", "), link });
}

/** Show the possible actions: change the password, remove it (with a passkey), or set one. */
function show(hasPassword, hasPasskey) {
  node.hidden = !hasPassword;
  place("no-password").hidden = hasPassword;
  place("has-passkey").hidden = !hasPasskey;
  place("without").hidden = !hasPassword || !hasPasskey;
}

async function removePassword() {
  if ((await asked(place("remove-dialog"))) !== "yes") return;
  const answer = await ask("DELETE", "/auth/password");
  if (answer.code === "no_password" || answer.code === "last_way_in") return start(); // changed in another tab
  if (!answer.ok) return failed(answer, removePassword);
  show(false, true);
  place("changed").hidden = true;
  place("has-none").hidden = true; // it is already shown
  place("removed").hidden = false;
  place("removed").focus();
}

async function sendLink() {
  const email = username.value;
  const answer = await call("POST", "/auth/password/forgot", { email });
  if (!answer.ok) return failed(answer, sendLink);
  const done = place("link-sent");
  fill(done.querySelector("p"), "no_password.sent", { email: element("strong", {}, email) });
  place("no-password").hidden = true;
  done.hidden = false;
  done.focus();
}

async function start() {
  const answer = await loadMe();
  if (!answer.ok) return failed(answer, start);
  const found = await load("/auth/passkeys");
  if (!found.ok) return failed(found, start);
  show(answer.data.has_password, found.data.passkeys.length > 0);
  const made = await load("/auth/tokens");
  if (!made.ok) return failed(made, start);
  const isLive = ({ expires_at: end }) => new Date(end) > Date.now();
  place("remove-tokens").closest(".check").hidden = !made.data.tokens.some(isLive);
}

place("remove-password").addEventListener("click", removePassword);
place("send-link").addEventListener("click", sendLink);
await start();
