import { ask, failed, load, loadMe, toLogIn } from "./account.js";
import { announceLogOut } from "../lib/client.js";
import { asked } from "../lib/dialog.js";
import { ago, exact } from "../lib/moments.js";
import { element, icon, say, text } from "../lib/page.js";
import { pictureOf } from "./device_pictures.js";

const list = document.getElementById("list");
const title = document.getElementById("list-title");
const others = document.getElementById("end-others");
const question = document.getElementById("others-dialog");

function named({ browser, system }) {
  if (!browser) return system ?? text("devices.unknown");
  return system ? text("devices.name", { browser, system }) : browser;
}

function facts(session) {
  const time = element(
    "time",
    { datetime: session.last_used_at, title: exact(session.last_used_at) },
    text("devices.last", { time: ago(session.last_used_at) }),
  );
  return element("p", { class: "fine" }, time, session.ip_address ? ` · ${session.ip_address}` : "");
}

function item(session) {
  const name = named(session);
  const heading = element("h3", { class: "item__title" }, name);
  for (const [shown, key] of [
    [session.current, "devices.this"],
    [session.remembered, "devices.remembered"],
  ]) {
    if (shown) heading.append(" ", element("span", { class: "badge" }, text(key)));
  }
  const label = text("devices.log_out_of", { device: name });
  const end = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--row", "aria-label": label },
    text("devices.log_out"),
  );
  const words = element("div", {}, heading, facts(session));
  const apps = session.apps.join(", ");
  if (apps) words.append(element("p", { class: "fine" }, text("devices.apps", { apps })));
  const actions = element("div", { class: "item__actions" }, end);
  const row = element("li", { class: "item" }, icon(pictureOf(session)), words, actions);
  end.addEventListener("click", () => endOne(session, name, row));
  return row;
}

async function endOne(session, name, row) {
  const answer = await ask("DELETE", `/auth/sessions/${session.id}`);
  if (!answer.ok && answer.status !== 404) return failed(answer, () => endOne(session, name, row));
  if (session.current) {
    announceLogOut();
    return toLogIn("logged_out");
  }
  row.remove();
  showWhetherAlone();
  title.focus();
  say(text("devices.ended", { device: name }));
}

async function endOthers() {
  const answer = await ask("POST", "/auth/sessions/revoke-others");
  if (!answer.ok) return failed(answer, endOthers);
  await show();
  title.focus();
  say(text("devices.others_ended"));
}

/** Show what can be done about other devices, or that there are none. */
function showWhetherAlone() {
  const alone = list.children.length < 2;
  others.hidden = alone;
  document.getElementById("alone").hidden = !alone;
}

async function show() {
  const answer = await load("/auth/sessions");
  const sessions = (answer.data.sessions ?? []).toSorted((one, other) => other.current - one.current);
  list.replaceChildren(...sessions.map(item)); // the grey rows go in any case
  list.removeAttribute("aria-busy");
  if (!answer.ok) return failed(answer, start);
  showWhetherAlone();
  return true;
}

async function start() {
  if (await show()) await loadMe();
}

others.addEventListener("click", async () => {
  if (await asked(question)) await endOthers();
});
await start();
