import { failed, load, loadMe } from "./account.js";
import { exact } from "../lib/moments.js";
import { element } from "../lib/page.js";

const list = document.getElementById("list");
const more = document.getElementById("more");
let cursor = "";

function item(event) {
  const time = element("time", { datetime: event.at }, exact(event.at));
  const where = [event.browser, event.system, event.ip_address].filter(Boolean).map((part) => ` · ${part}`);
  const words = element("div", {}, element("p", { class: "item__title" }, event.text), element("p", { class: "fine" }, time, ...where));
  return element("li", { class: "item" }, words);
}

async function show() {
  const answer = await load(`/auth/me/activity?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
  if (!answer.ok) return failed(answer, start);
  // Each page view refreshes the session: these events would hide the relevant ones.
  const items = answer.data.events.filter(({ event }) => event !== "session_refreshed").map(item);
  list.append(...items);
  list.removeAttribute("aria-busy");
  if (cursor && items.length) {
    items[0].tabIndex = -1;
    items[0].focus(); // the button may have been removed
  }
  cursor = answer.data.next_cursor ?? "";
  more.hidden = !cursor;
  return cursor && !list.children.length ? show() : true;
}

async function start() {
  if (await show()) await loadMe();
}

more.addEventListener("click", show);
await start();
