import { failed, load, loadMe } from "./account.js";
import { exact } from "../lib/moments.js";
import { element, icon } from "../lib/page.js";
import { pictureOf } from "./device_pictures.js";

const list = document.getElementById("list");
const more = document.getElementById("more");
let cursor = "";

function item(event) {
  const time = element("time", { datetime: event.at }, exact(event.at));
  const where = [event.browser, event.system, event.ip_address].filter(Boolean).map((part) => ` · ${part}`);
  const words = element("div", {}, element("p", { class: "item__title" }, event.text), element("p", { class: "fine" }, time, ...where));
  const picture = icon(event.browser || event.system ? pictureOf(event) : "history");
  return element("li", { class: "item" }, picture, words);
}

async function show() {
  const answer = await load(`/auth/me/activity?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
  if (!cursor) list.replaceChildren(); // the grey rows go in any case
  list.removeAttribute("aria-busy");
  if (!answer.ok) return failed(answer, start);
  // Each page view refreshes the session: these events would hide the relevant ones.
  const items = answer.data.events.filter(({ event }) => event !== "session_refreshed").map(item);
  list.append(...items);
  if (cursor && items.length) {
    items[0].tabIndex = -1;
    items[0].focus(); // the button may have been removed
  }
  cursor = answer.data.next_cursor ?? "";
  more.hidden = !cursor;
  if (cursor && !list.children.length) return show();
  document.getElementById("empty").hidden = list.children.length > 0;
  return true;
}

async function start() {
  if (await show()) await loadMe();
}

more.addEventListener("click", show);
await start();
