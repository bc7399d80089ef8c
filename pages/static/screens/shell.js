// The header and the sections of the account pages. Without this script the menu opens as well, and the row of
// sections scrolls.

import { rememberWho, rememberedWho } from "../lib/client.js";
import { initial, text } from "../lib/page.js";

const menu = document.getElementById("account-menu");
const button = menu.querySelector("summary");
const row = document.getElementById("sections");
const find = (name) => menu.querySelector(`.who__${name}`);

/** Show who is logged in, here and at the start of the next page. */
export function showWho({ email, username }) {
  button.setAttribute("aria-label", text("account.menu_of", { email }));
  find("letter").textContent = initial(username || email);
  for (const name of ["address", "email"]) find(name).textContent = email;
  find("name").textContent = username ?? "";
  find("person").hidden = false;
  rememberWho({ email, username });
}

// A disclosure, not a menu of the kind that arrow keys move in: Tab goes through its rows and out.
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || !menu.open) return;
  menu.open = false;
  button.focus();
});
menu.addEventListener("focusout", ({ relatedTarget: to }) => {
  if (to && !menu.contains(to)) menu.open = false; // there is no target if the window loses the focus
});
document.addEventListener("click", ({ target }) => {
  if (!menu.contains(target)) menu.open = false;
});

/** Note at which sides of the row there are more sections. */
function fade() {
  const [done, room] = [Math.abs(row.scrollLeft), row.scrollWidth - row.clientWidth];
  row.dataset.more = [done > 1 && "start", done < room - 1 && "end"].filter(Boolean).join(" ");
}

/** Scroll the row, and not the page, to the current section. */
function showCurrent() {
  const [current, whole] = [row.querySelector("[aria-current]"), row].map((node) => node.getBoundingClientRect());
  row.scrollLeft += current.left + current.width / 2 - whole.left - whole.width / 2;
  fade();
}

row.addEventListener("scroll", fade, { passive: true });
addEventListener("resize", showCurrent);
showCurrent();
const who = rememberedWho();
if (who) showWho(who);
