// The list of passkeys: add, rename, remove.

import { ask, failed } from "./account.js";
import { asked } from "../lib/dialog.js";
import { Form, failIn } from "../lib/form.js";
import { ago } from "../lib/moments.js";
import { element, icon, say, text } from "../lib/page.js";
import { makePasskey } from "../lib/auth.js";

const place = (id) => document.getElementById(id);
const dialog = place("rename-dialog");
const empty = (value) => (value.trim() === "" ? "passkeys.name_empty" : null);
let renamed = null; // the id of the passkey in the dialog
let changed = null; // callback after a change
let showCodes = null;

/** Activate the list. `then()` updates the page; `codes(found)` shows the recovery codes of a first passkey. */
export function passkeyList({ then, codes }) {
  changed = then;
  showCodes = codes;
}

export function showPasskeys(passkeys) {
  place("passkey-list").replaceChildren(...passkeys.map(item));
  place("no-passkeys").hidden = passkeys.length > 0;
}

function item({ id, name, created_at: made, last_used_at: used }) {
  const heading = element("h3", { class: "item__title" }, name);
  const when = used ? text("passkeys.used", { time: ago(used) }) : text("passkeys.since", { time: ago(made) });
  const facts = element("p", { class: "fine" }, when);
  const rename = button("passkeys.rename", text("passkeys.rename_named", { name }), () => askForName(id, name));
  const away = button("passkeys.remove", text("passkeys.remove_named", { name }), () => remove(id, name));
  const actions = element("div", { class: "item__actions" }, rename, away);
  return element("li", { class: "item" }, icon("passkey"), element("div", {}, heading, facts), actions);
}

function button(key, label, does) {
  const made = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--row", "aria-label": label },
    text(key),
  );
  made.addEventListener("click", does);
  return made;
}

/** Update the list, focus its title and show what was done. */
async function done(key, name) {
  await changed();
  place("passkeys-title").focus();
  say(text(key, { name }));
}

async function remove(id, name) {
  place("remove-passkey-name").textContent = name;
  if ((await asked(place("remove-passkey-dialog"))) === "yes") await forget(id, name);
}

async function forget(id, name) {
  const answer = await ask("DELETE", `/auth/passkeys/${id}`);
  if (answer.code === "last_way_in") return failIn(place("passkey-form-error"), "passkeys.last");
  if (!answer.ok && answer.status !== 404) return failed(answer, () => forget(id, name));
  await done("passkeys.removed", name);
}

async function askForName(id, name) {
  renamed = id;
  place("passkey-new-name").value = name;
  await asked(dialog);
  place("rename-form").reset();
}

new Form(place("rename-form"), {
  fields: { "passkey-new-name": { check: empty } },
  busy: "busy.save",
  names: { name: "passkey-new-name" },
  async send({ "passkey-new-name": name }, form) {
    const answer = await ask("PATCH", `/auth/passkeys/${renamed}`, { name: name.trim() });
    if (!answer.ok && answer.status !== 404) return form.refused(answer);
    dialog.close("done");
    if (answer.ok) await done("passkeys.renamed", name.trim());
    else await changed(); // removed in another tab
  },
});
new Form(place("passkey-form"), {
  fields: { "passkey-name": { check: empty } },
  busy: "busy.save",
  names: { name: "passkey-name" },
  shown(answer, form) {
    if (answer.code !== "passkey_refused" && answer.code !== "passkey_taken") return false;
    form.fail("passkeys.not_made");
    return true;
  },
  async send({ "passkey-name": name }, form) {
    const options = await ask("POST", "/auth/passkeys/options");
    if (!options.ok) return form.refused(options);
    const credential = await makePasskey(options.data.public_key);
    if (credential === null) return form.fail("passkeys.not_made");
    const answer = await ask("POST", "/auth/passkeys", { credential, name: name.trim() });
    if (!answer.ok) return form.refused(answer);
    place("passkey-form").reset();
    if (answer.data.recovery_codes) return showCodes(answer.data.recovery_codes);
    await done("passkeys.added", name.trim());
  },
});
