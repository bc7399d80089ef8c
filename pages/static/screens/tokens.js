// The API tokens: list, create, copy once, remove. A token is in the page from its creation until "Done" only.

import { ask, failed, load, loadMe } from "./account.js";
import { asked } from "../lib/dialog.js";
import { Form } from "../lib/form.js";
import { ago, day, exact } from "../lib/moments.js";
import { element, icon, say, text } from "../lib/page.js";
import { toast } from "../lib/toast.js";

const SOON = 7 * 86_400_000; // milliseconds
const place = (id) => document.getElementById(id);
const heading = document.querySelector("h1");
const list = place("list");
const dialog = place("remove-dialog");
const field = place("token");
const copied = place("copied");
const choices = place("permissions");
let isEmpty = false; // whether there are no tokens, but permissions for one

/** Show the list, the form of a new token, or the new token. */
function show(part) {
  place("token-new").hidden = part !== "new";
  place("token-made").hidden = part !== "made";
  place("token-list").hidden = part === "made";
  place("empty").hidden = part !== "list" || !isEmpty;
  place("create").hidden = part !== "list" || isEmpty || choices.children.length === 0;
}

function item(token) {
  const { id, name, expires_at: end } = token;
  const title = element("p", { class: "item__title" }, name);
  const left = new Date(end) - Date.now();
  if (left < SOON) {
    const key = left > 0 ? "tokens.soon" : "tokens.expired";
    title.append(" ", element("span", { class: "badge" }, text(key)));
  }
  const away = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--row", "aria-label": text("tokens.remove_named", { name }) },
    text("tokens.remove"),
  );
  away.addEventListener("click", () => remove(id, name));
  const actions = element("div", { class: "item__actions" }, away);
  return element("li", { class: "item" }, icon("token"), element("div", {}, title, facts(token)), actions);
}

function facts({ shown, permissions, expires_at: end, last_used_at: used }) {
  const moment = (at, words) => element("time", { datetime: at, title: exact(at), class: "item__fact" }, words);
  const expires = moment(end, text("tokens.expires", { date: day(end) }));
  const last = used
    ? moment(used, text("tokens.used", { time: ago(used) }))
    : element("span", { class: "item__fact" }, text("tokens.never"));
  const may = permissions.join(", ");
  return element("p", { class: "fine" }, element("code", {}, shown), ` · ${may} · `, expires, " · ", last);
}

/** Offer the permissions that a new token can have, none of them chosen. */
function offer(permissions) {
  choices.replaceChildren(
    ...permissions.map((name, index) => {
      const id = `permission-${index}`;
      const box = element("input", { type: "checkbox", id, name: id, value: name, autocomplete: "off" });
      return element("div", { class: "check" }, box, element("label", { for: id }, name));
    }),
  );
  choices.querySelector("input")?.setAttribute("aria-describedby", "permission-0-error");
}

const chosen = () => [...choices.querySelectorAll(":checked")].map((box) => box.value);

/** Load the list. Resolves to whether that was possible. */
async function reload() {
  const answer = await load("/auth/tokens");
  list.replaceChildren(...(answer.data.tokens ?? []).map(item)); // the grey rows go in any case
  list.removeAttribute("aria-busy");
  if (!answer.ok) {
    failed(answer, start, "tokens.not_loaded");
    return false;
  }
  const { tokens, permissions } = answer.data;
  if (choices.children.length === 0 && permissions.length > 0) {
    offer(permissions);
    activateForm();
  }
  list.hidden = tokens.length === 0;
  place("nothing").hidden = permissions.length > 0;
  isEmpty = tokens.length === 0 && permissions.length > 0;
  return true;
}

/** Load the list, and focus the heading: what had the focus is gone. */
async function back() {
  show("list");
  if (await reload()) show("list");
  heading.focus();
}

async function remove(id, name) {
  place("remove-title").textContent = text("tokens.remove_title", { name });
  if ((await asked(dialog)) === "yes") await revoke(id, name);
}

async function revoke(id, name) {
  const answer = await ask("DELETE", `/auth/tokens/${id}`);
  if (!answer.ok && answer.status !== 404) return failed(answer, () => revoke(id, name));
  await back();
  say(text("tokens.removed", { name }));
}

/** Show a new token, this once. */
function reveal(token) {
  place("token-form").reset();
  place("copied-form").reset();
  field.value = token;
  gate();
  show("made");
  place("made-title").focus();
}

async function copy() {
  try {
    await navigator.clipboard.writeText(field.value);
    toast(text("tokens.was_copied"));
  } catch {
    toast(text("factors.not_copied"));
  }
}

/** Activate the form of a new token. Its first checkbox carries the error of all of them. */
function activateForm() {
  const form = new Form(place("token-form"), {
    fields: {
      "token-name": { check: (value) => (value.trim() === "" ? "tokens.name_empty" : null) },
      "permission-0": { check: () => (chosen().length === 0 ? "tokens.choose" : null) },
    },
    busy: "busy.save",
    names: { name: "token-name" },
    shown(answer) {
      if (answer.code === "api_token_name_taken") form.fault("token-name", "tokens.name_taken");
      else if (answer.code === "too_many_api_tokens") form.fail("tokens.too_many", { max: String(answer.data.limit) });
      else if (answer.code === "permission_missing" || answer.code === "two_factor_off") form.fail("tokens.changed");
      else return false;
      return true;
    },
    async send({ "token-name": name, expires }) {
      const wanted = { name: name.trim(), permissions: chosen(), expires_in_days: Number(expires) };
      const answer = await ask("POST", "/auth/tokens", wanted);
      if (answer.ok) reveal(answer.data.token);
      else form.refused(answer);
    },
  });
  const first = form.form.elements["permission-0"];
  choices.addEventListener("change", ({ target }) => target !== first && first.dispatchEvent(new Event("change")));
}

const done = new Form(place("copied-form"), {
  fields: { copied: { check: (value) => (value ? null : "tokens.copy_first") } },
  busy: "busy.save",
  async send() {
    field.value = "";
    await back();
  },
});

// The button looks disabled until the box is ticked, and explains that when it is pressed.
function gate() {
  if (copied.checked) done.button.removeAttribute("aria-disabled");
  else done.button.setAttribute("aria-disabled", "true");
}

async function start() {
  if (!(await reload())) return;
  show("list");
  await loadMe();
}

copied.addEventListener("change", gate);
field.addEventListener("focus", () => field.select());
place("copy").addEventListener("click", copy);
for (const create of [place("create"), place("create-first")]) {
  create.addEventListener("click", () => {
    show("new");
    place("new-title").focus();
  });
}
place("cancel").addEventListener("click", () => {
  place("token-form").reset();
  show("list");
  place(isEmpty ? "create-first" : "create").focus();
});
addEventListener("beforeunload", (event) => {
  if (field.value && !copied.checked) event.preventDefault();
});
await start();
