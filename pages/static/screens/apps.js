// The apps that have access to the account: list them, remove the access of one.

import { ask, failed, load, loadMe } from "./account.js";
import { asked } from "../lib/dialog.js";
import { ago, day, exact } from "../lib/moments.js";
import { element, initial, say, text } from "../lib/page.js";

const WORDS = {
  openid: "apps.scope.openid",
  profile: "apps.scope.profile",
  email: "apps.scope.email",
  offline_access: "apps.scope.offline_access",
  roles: "apps.scope.roles",
};
const place = (id) => document.getElementById(id);
const heading = document.querySelector("h1");
const list = place("list");
const dialog = place("remove-dialog");

function item(app) {
  const { name } = app;
  const title = element("h2", { class: "item__title" }, element("bdi", {}, name));
  if (app.works_without_you) title.append(" ", element("span", { class: "badge" }, text("apps.without_you")));
  const away = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--row", "aria-label": text("apps.remove_of", { app: name }) },
    text("apps.remove"),
  );
  away.addEventListener("click", () => remove(app));
  const tile = element("span", { class: "item__tile", "aria-hidden": "true" }, initial(name));
  const actions = element("div", { class: "item__actions" }, away);
  return element("li", { class: "item" }, tile, element("div", {}, title, facts(app), powers(app)), actions);
}

function facts({ host, allowed_at: since, last_used_at: used }) {
  const moment = (at, words) => element("time", { datetime: at, title: exact(at), class: "item__fact" }, words);
  const last = used
    ? moment(used, text("apps.used", { time: ago(used) }))
    : element("span", { class: "item__fact" }, text("apps.not_in_use"));
  const where = element("bdi", {}, host ?? text("apps.device"));
  const allowed = moment(since, text("apps.allowed", { date: day(since) }));
  return element("p", { class: "fine" }, where, " · ", allowed, " · ", last);
}

/** Return what the app can do, in words. The texts of scopes that an operator defined come from the API. */
function powers({ scopes, resources, ip_address: ip }) {
  const key = resources.length > 0 ? "apps.can_at" : "apps.can";
  const summary = element("summary", {}, text(key, { resource: resources.join(", ") }));
  const lines = scopes.map(({ name, words }) => element("li", {}, words ?? (WORDS[name] ? text(WORDS[name]) : name)));
  const parts = [summary, element("ul", {}, ...lines)];
  if (ip) parts.push(element("p", { class: "fine" }, text("apps.place", { ip })));
  return element("details", { class: "item__more" }, ...parts);
}

/** Load the list. Resolves to whether that was possible. */
async function reload() {
  const answer = await load("/auth/apps");
  list.replaceChildren(...(answer.data.apps ?? []).map(item)); // the grey rows go in any case
  list.removeAttribute("aria-busy");
  if (!answer.ok) {
    failed(answer, start, "apps.not_loaded");
    return false;
  }
  const isEmpty = answer.data.apps.length === 0;
  list.hidden = isEmpty;
  place("empty").hidden = !isEmpty;
  return true;
}

async function remove(app) {
  place("remove-title").textContent = text("apps.remove_title", { app: app.name });
  if ((await asked(dialog)) === "yes") await end(app);
}

async function end(app) {
  const answer = await ask("DELETE", `/auth/apps/${encodeURIComponent(app.client_id)}`);
  if (!answer.ok && answer.status !== 404) return failed(answer, () => end(app));
  await reload();
  heading.focus(); // what had the focus is gone
  say(text("apps.removed", { app: app.name }));
}

async function start() {
  if (await reload()) await loadMe();
}

await start();
