import { ask, failed, load, loadMe } from "./account.js";
import { CodeFields } from "../lib/code.js";
import { asked } from "../lib/dialog.js";
import { Form } from "../lib/form.js";
import { day } from "../lib/moments.js";
import { element, text } from "../lib/page.js";
import { hasPasskeys, showPasskey } from "../lib/auth.js";
import { passkeyList, showPasskeys } from "./passkey_list.js";
import { toast } from "../lib/toast.js";

const place = (id) => document.getElementById(id);
const PARTS = ["factor-off", "factor-set-up", "factor-codes", "factor-on"];
const dialog = place("code-dialog");
const question = place("code-dialog-form");
const fields = new CodeFields(question, place("dialog-other-way"));
let isOn = false; // whether the account has any factor
let codes = [];
let wanted = null; // the action that needs the code
let wasRequired = false; // whether the service requires a factor

/** Show one part of the page and focus its start. */
function show(part, focus) {
  for (const each of PARTS) place(each).hidden = each !== part;
  const isAtRest = part === "factor-on" || part === "factor-off";
  place("recovery").hidden = !isAtRest || !isOn;
  place("passkeys").hidden = !isAtRest || !hasPasskeys();
  if (focus) place(focus).focus();
}

function showState({ user, recovery_codes_left: left, second_factor_setup_required: required }, since, focus) {
  isOn = user.two_factor_enabled;
  wasRequired ||= required;
  place("required").hidden = !required;
  place("wanted")?.toggleAttribute("hidden", required || isOn);
  place("left").textContent = text("factors.left", { n: String(left) });
  if (since) {
    place("since").dateTime = since;
    place("since").textContent = day(since);
  }
  const part = since ? "factor-on" : "factor-off";
  show(part, focus ? part : null);
}

async function start(focus = false) {
  const found = [];
  for (const each of [loadMe, () => load("/auth/totp"), () => load("/auth/passkeys")]) {
    const answer = await each();
    if (!answer.ok) return failed(answer, start);
    found.push(answer.data);
  }
  const [me, totp, { passkeys }] = found;
  showPasskeys(passkeys);
  place("dialog-passkey").hidden = !hasPasskeys() || passkeys.length === 0;
  showState(me, totp.enabled_since, focus);
}

async function setUp() {
  const answer = await ask("POST", "/auth/totp");
  if (answer.code === "totp_enabled") return start(true); // enabled in another tab
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

/** Ask for a code and perform the action with it. */
async function withCode(words, send, done) {
  wanted = { send, done };
  place("code-dialog-text").textContent = text(words);
  fields.show("code");
  await asked(dialog);
  question.reset();
}

/** Perform the action with a code or a passkey. */
async function give(given) {
  const { send, done } = wanted;
  const answer = await send(given);
  if (answer.code === "cancelled") return;
  if (answer.code === "wrong_code" && given.passkey) return asking.fail("passkey.failed");
  if (!answer.ok && answer.code !== "two_factor_off") return asking.refused(answer);
  dialog.close("done");
  await done(answer);
}

async function givePasskey() {
  const options = await ask("POST", "/auth/reauth/options");
  if (!options.ok) return asking.refused(options);
  const credential = await showPasskey(options.data.public_key);
  if (credential !== null && dialog.open) await give({ passkey: credential });
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
    const { next } = place("required").dataset;
    if (wasRequired || next !== "/account") {
      location.assign(next);
      return "leaving";
    }
    await start(true);
  },
});
const asking = new Form(question, {
  fields: fields.checks(),
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code !== "wrong_code") return false;
    fields.refused(form);
    return true;
  },
  send: () => give(fields.given()),
});
passkeyList({ then: start, codes: showCodes });
place("dialog-passkey").addEventListener("click", givePasskey);
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
