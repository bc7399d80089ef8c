import { ask, failed, knowWho, loadMe } from "./account.js";
import { call, speak } from "../lib/client.js";
import { Form, rules } from "../lib/form.js";
import { day } from "../lib/moments.js";
import { element, fill, reveal, text } from "../lib/page.js";
import { toast } from "../lib/toast.js";

const place = (id) => document.getElementById(id);
const name = place("name-form");
const address = place("email-form");
const language = place("language-form"); // if there are several languages
let user = null;

function show(found) {
  // Not on a return to the page: the choice may not be saved yet.
  if (language && user?.locale !== found.locale) language.elements.locale.value = found.locale ?? "";
  if (language) place("language").disabled = false; // until now, it would have saved "Language of the browser"
  user = found;
  knowWho(user);
  place("email-shown").textContent = user.email;
  place("email-state").textContent = text(user.email_verified ? "profile.confirmed" : "profile.unconfirmed");
  place("username-shown").textContent = user.username;
  place("since").dateTime = user.created_at;
  place("since").textContent = day(user.created_at);
  place("resend-row").hidden = user.email_verified;
  place("facts").removeAttribute("aria-busy");
}

async function start() {
  const answer = await loadMe();
  if (answer.ok) show(answer.data.user);
  else failed(answer, start);
  reveal();
}

async function resend() {
  const sent = await call("POST", "/auth/email/resend", { email: user.email });
  if (!sent.ok) return failed(sent, resend);
  place("resend-row").hidden = true;
  tell("resend-done", "profile.resent", user.email);
}

/** Show and focus a message: the button that was pressed may have been removed. */
function tell(id, key, email) {
  const done = place(id);
  fill(done.querySelector("p"), key, { email: element("strong", {}, email) });
  done.hidden = false;
  done.focus();
}

async function takeAlong() {
  const answer = await ask("GET", "/auth/me/export");
  if (!answer.ok) return failed(answer, takeAlong);
  const file = new Blob([JSON.stringify(answer.data, null, 2)], { type: "application/json" });
  const href = URL.createObjectURL(file);
  element("a", { href, download: "my-data.json" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
  toast(text("profile.exported"));
}

new Form(name, {
  fields: {
    username: {
      check: (value) => (!value.trim() ? "username.empty" : value.trim() === user?.username ? "username.same" : null),
    },
  },
  busy: "busy.save",
  shown(answer, form) {
    const fault = { username_taken: "username.taken", too_many_usernames: "username.too_many" }[answer.code];
    if (fault) form.fault("username", fault);
    return fault !== undefined;
  },
  async send({ username }, form) {
    const answer = await ask("PATCH", "/auth/me", { username: username.trim() });
    if (!answer.ok) return form.refused(answer);
    show(answer.data.user);
    name.reset();
    toast(text("profile.saved"));
  },
});
new Form(address, {
  fields: {
    email: {
      check: (value) =>
        rules.email(value) ?? (value.trim().toLowerCase() === user?.email.toLowerCase() ? "email.same" : null),
      early: true,
    },
  },
  busy: "busy.send",
  async send({ email }, form) {
    const answer = await ask("POST", "/auth/email/change", { email: email.trim() });
    if (!answer.ok) return form.refused(answer);
    address.reset();
    tell("email-done", "profile.email_sent", email.trim());
  },
});
if (language) {
  new Form(language, {
    fields: { locale: { check: () => null } },
    busy: "busy.save",
    async send({ locale }, form) {
      const answer = await ask("PATCH", "/auth/me", { locale: locale || null });
      if (!answer.ok) return form.refused(answer);
      show(answer.data.user);
      await speak(locale);
      if (locale !== document.documentElement.lang) {
        location.reload();
        return "leaving";
      }
      toast(text("profile.language.saved"));
    },
  });
}
place("resend").addEventListener("click", resend);
place("export").addEventListener("click", takeAlong);
// Changes made in another tab or by a link that was opened there.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && user) start();
});
await start();
