import { announceLogOut } from "./api.js";
import { ask, failed, load, toLogIn } from "./account.js";
import { element, say, text } from "./page.js";

const list = document.getElementById("list");
const title = document.getElementById("list-title");
const others = document.getElementById("end-others");
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** "2 hours ago", for a moment of the past. */
function ago(moment) {
  const seconds = Math.max(0, (Date.now() - new Date(moment)) / 1000);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS.at(-1);
  return relative.format(-Math.floor(seconds / size), unit);
}

function named({ browser, system }) {
  if (!browser) return text("devices.unknown");
  return system ? text("devices.name", { browser, system }) : browser;
}

function item(session) {
  const name = named(session);
  const time = element("time", { datetime: session.last_used_at, title: new Date(session.last_used_at).toLocaleString("en") });
  time.textContent = text("devices.last", { time: ago(session.last_used_at) });
  const heading = element("h3", {}, name);
  for (const [shown, key] of [[session.current, "devices.this"], [session.remembered, "devices.remembered"]]) {
    if (shown) heading.append(" ", element("span", { class: "badge" }, text(key)));
  }
  const end = element(
    "button",
    { type: "button", class: "btn btn--secondary btn--small", "aria-label": text("devices.log_out_of", { device: name }) },
    text("devices.log_out"),
  );
  const row = element("li", { class: "item" }, element("div", {}, heading, element("p", { class: "fine" }, time, ` · ${session.ip_address ?? ""}`)), end);
  end.addEventListener("click", async () => {
    const answer = await ask("DELETE", `/auth/sessions/${session.id}`);
    if (!answer.ok && answer.status !== 404) return failed(answer, show);
    if (session.current) {
      announceLogOut();
      return toLogIn("logged_out");
    }
    row.remove();
    others.hidden = list.children.length < 2;
    title.focus();
    say(text("devices.ended", { device: name }));
  });
  return row;
}

async function show() {
  const answer = await load("/auth/sessions");
  if (!answer.ok) return failed(answer, show);
  const sessions = answer.data.sessions.toSorted((one, other) => other.current - one.current);
  list.replaceChildren(...sessions.map(item));
  list.removeAttribute("aria-busy");
  others.hidden = sessions.length < 2;
}

others.addEventListener("click", async () => {
  const answer = await ask("POST", "/auth/sessions/revoke-others");
  if (!answer.ok) return failed(answer, show);
  await show();
  title.focus();
  say(text("devices.others_ended"));
});
await show();
