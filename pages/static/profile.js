import { ask, failed, knowWho, load } from "./account.js";
import { call } from "./api.js";
import { Form, rules } from "./form.js";
import { day } from "./moments.js";
import { element, fill, say, text } from "./page.js";
import { toast } from "./toast.js";

const place = (id) => document.getElementById(id);
const name = place("name-form");
const address = place("email-form");
let user = null;

function show(found) {
  user = found;
  knowWho(user);
  place("email-shown").textContent = user.email;
  place("email-state").textContent = text(user.email_verified ? "profile.confirmed" : "profile.unconfirmed");
  place("username-shown").textContent = user.username;
  place("since").dateTime = user.created_at;
  place("since").textContent = day(user.created_at);
  place("resend").hidden = user.email_verified;
  place("facts").removeAttribute("aria-busy");
}

async function start() {
  const answer = await load("/auth/me");
  if (answer.ok) show(answer.data.user);
  else failed(answer, start);
}

async function resend() {
  const sent = await call("POST", "/auth/email/resend", { email: user.email });
  if (!sent.ok) return failed(sent, resend);
  place("resend").hidden = true;
  say(text("resend.done"));
  toast(text("resend.done"));
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
  fields: { username: { check: (value) => (value.trim() ? null : "username.empty") } },
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code === "username_taken") form.fault("username", "username.taken");
    return answer.code === "username_taken";
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
  fields: { email: { check: rules.email, early: true } },
  busy: "busy.send",
  async send({ email }, form) {
    const answer = await ask("POST", "/auth/email/change", { email: email.trim() });
    if (!answer.ok) return form.refused(answer);
    const done = place("email-done");
    fill(done.querySelector("p"), "profile.email_sent", { email: element("strong", {}, email.trim()) });
    done.hidden = false;
    address.reset();
    done.focus();
  },
});
place("resend").addEventListener("click", resend);
place("export").addEventListener("click", takeAlong);
await start();
