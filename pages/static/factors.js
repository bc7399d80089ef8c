import { ask, failed, load, knowWho } from "./account.js";
import { CodeFields } from "./code.js";
import { asked } from "./dialog.js";
import { Form, failIn } from "./form.js";
import { ago, day } from "./moments.js";
import { element, say, text } from "./page.js";
import { hasPasskeys, makePasskey } from "./passkey.js";
import { toast } from "./toast.js";

const place = (id) => document.getElementById(id);
const PARTS = ["factor-off", "factor-set-up", "factor-codes", "factor-on"];
const dialog = place("code-dialog");
const question = place("code-dialog-form");
const fields = new CodeFields(question, place("dialog-other-way"));
let isOn = false; // whether the account has any factor
let codes = [];
let wanted = null; // what the code is asked for

/** Show one part of the page, and put the focus where it begins. */
function show(part, focus) {
  for (const each of PARTS) place(each).hidden = each !== part;
  const isAtRest = part === "factor-on" || part === "factor-off";
  place("recovery").hidden = !isAtRest || !isOn;
  place("passkeys").hidden = !isAtRest || !hasPasskeys();
  if (focus) place(focus).focus();
}

function showState({ user, recovery_codes_left: left }, since, focus) {
  knowWho(user);
  isOn = user.two_factor_enabled;
  place("left").textContent = text(left === 1 ? "factors.left.one" : "factors.left", { n: String(left) });
  if (since) {
    place("since").dateTime = since;
    place("since").textContent = day(since);
  }
  const part = since ? "factor-on" : "factor-off";
  show(part, focus ? part : null);
}

async function start(focus = false) {
  const found = [];
  for (const path of ["/auth/me", "/auth/totp", "/auth/passkeys"]) {
    const answer = await load(path);
    if (!answer.ok) return failed(answer, start);
    found.push(answer.data);
  }
  const [me, totp, { passkeys }] = found;
  showPasskeys(passkeys);
  showState(me, totp.enabled_since, focus);
}

function showPasskeys(passkeys) {
  place("passkey-list").replaceChildren(...passkeys.map(item));
}

function item({ id, name, created_at: made, last_used_at: used }) {
  const heading = element("h3", { class: "item__title" }, name);
  const when = used ? text("passkeys.used", { time: ago(used) }) : text("passkeys.since", { time: ago(made) });
  const label = text("passkeys.remove_named", { name });
  const button = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--small", "aria-label": label },
    text("passkeys.remove"),
  );
  button.addEventListener("click", () => remove(id, name));
  const facts = element("p", { class: "fine" }, when);
  return element("li", { class: "item" }, element("div", {}, heading, facts), button);
}

async function remove(id, name) {
  const answer = await ask("DELETE", `/auth/passkeys/${id}`);
  if (answer.code === "last_way_in") return failIn(place("passkey-form-error"), "passkeys.last");
  if (!answer.ok && answer.status !== 404) return failed(answer, () => remove(id, name));
  await start();
  place("passkeys-title").focus();
  say(text("passkeys.removed", { name }));
}

async function setUp() {
  const answer = await ask("POST", "/auth/totp");
  if (answer.code === "totp_enabled") return start(true); // in another tab
  if (!answer.ok) return failed(answer, setUp);
  const { secret, otpauth_uri: uri, qr_svg: svg } = answer.data;
  place("qr").src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  place("key").textContent = secret.match(/.{1,4}/g).join(" ");
  place("open-app").href = uri;
  place("confirm-form").reset();
  show("factor-set-up", "set-up-title");
}

function showCodes(found) {
  codes = found;
  place("codes").replaceChildren(...codes.map((code) => element("li", {}, element("code", {}, code))));
  place("saved-form").reset();
  show("factor-codes", "codes-title");
}

async function copy(words, said) {
  try {
    await navigator.clipboard.writeText(words);
    toast(text(said));
  } catch {
    toast(text("factors.not_copied"));
  }
}

function download() {
  const href = URL.createObjectURL(new Blob([`${codes.join("\n")}\n`], { type: "text/plain" }));
  element("a", { href, download: "recovery-codes.txt" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
  toast(text("factors.downloaded"));
}

/** Ask for a code, and do with it what is wanted. */
async function withCode(words, send, done) {
  wanted = { send, done };
  place("code-dialog-text").textContent = text(words);
  fields.show("code");
  await asked(dialog);
  question.reset();
}

new Form(place("confirm-form"), {
  fields: { code: { check: (value) => (value.trim() === "" ? "code.empty" : null) } },
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code !== "wrong_code") return false;
    form.fault("code", "code.wrong");
    return true;
  },
  async send({ code, end_others: others }, form) {
    const answer = await ask("POST", "/auth/totp/confirm", {
      code: code.trim(),
      end_other_sessions: others === "1",
    });
    if (answer.code === "totp_enabled" || answer.code === "totp_not_begun") return start(true);
    if (!answer.ok) return form.refused(answer);
    showCodes(answer.data.recovery_codes);
  },
});
new Form(place("saved-form"), {
  fields: { saved: { check: (value) => (value ? null : "factors.save_first") } },
  busy: "busy.save",
  async send() {
    codes = [];
    place("codes").replaceChildren();
    await start(true);
  },
});
new Form(place("passkey-form"), {
  fields: { "passkey-name": { check: (value) => (value.trim() === "" ? "passkeys.name_empty" : null) } },
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code !== "passkey_refused" && answer.code !== "passkey_taken") return false;
    form.fail("passkeys.not_made");
    return true;
  },
  async send({ "passkey-name": name }, form) {
    const asked = await ask("POST", "/auth/passkeys/options");
    if (!asked.ok) return form.refused(asked);
    const credential = await makePasskey(asked.data.public_key);
    if (credential === null) return form.fail("passkeys.not_made");
    const answer = await ask("POST", "/auth/passkeys", { credential, name: name.trim() });
    if (!answer.ok) return form.refused(answer);
    place("passkey-form").reset();
    if (answer.data.recovery_codes) return showCodes(answer.data.recovery_codes);
    await start();
    place("passkeys-title").focus();
    say(text("passkeys.added", { name: name.trim() }));
  },
});
new Form(question, {
  fields: fields.checks(),
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code !== "wrong_code") return false;
    fields.refused(form);
    return true;
  },
  async send(_, form) {
    const { send, done } = wanted;
    const answer = await send(fields.given());
    if (answer.code === "cancelled") return;
    if (!answer.ok && answer.code !== "two_factor_off") return form.refused(answer);
    dialog.close("done");
    await done(answer);
  },
});
place("set-up").addEventListener("click", setUp);
place("copy-key").addEventListener("click", () => copy(place("key").textContent.replaceAll(" ", ""), "factors.key_copied"));
place("copy-codes").addEventListener("click", () => copy(codes.join("\n"), "factors.codes_copied"));
place("download-codes").addEventListener("click", download);
place("new-codes").addEventListener("click", () =>
  withCode(
    "dialog.code.new_codes",
    (given) => ask("POST", "/auth/recovery-codes", given),
    (answer) => (answer.ok ? showCodes(answer.data.recovery_codes) : start(true)),
  ),
);
place("turn-off").addEventListener("click", () =>
  withCode("dialog.code.turn_off", (given) => ask("DELETE", "/auth/totp", given), () => start(true)),
);
await start();
