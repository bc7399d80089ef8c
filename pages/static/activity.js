import { failed, load } from "./account.js";
import { element } from "./page.js";

const list = document.getElementById("list");
const more = document.getElementById("more");
let cursor = "";

function item(event) {
  const time = element("time", { datetime: event.at }, new Date(event.at).toLocaleString("en"));
  const where = [event.browser, event.system, event.ip_address].filter(Boolean).join(" · ");
  const words = element("div", {}, element("h3", {}, event.text), element("p", { class: "fine" }, time, where && ` · ${where}`));
  return element("li", { class: "item" }, words);
}

async function show() {
  const answer = await load(`/auth/me/activity${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
  if (!answer.ok) return failed(answer, show);
  list.append(...answer.data.events.map(item));
  list.removeAttribute("aria-busy");
  cursor = answer.data.next_cursor ?? "";
  more.hidden = !cursor;
}

more.addEventListener("click", show);
await show();
