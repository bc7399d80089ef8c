// Short messages of success that disappear. Never used for errors, nor as the only message.

import { element, icon, text } from "./page.js";

const STAYS = 8000; // milliseconds; longer while it is hovered or focused
const place = document.getElementById("toast");
let timer = null;

const leave = () => {
  clearTimeout(timer);
  timer = setTimeout(() => place.replaceChildren(), STAYS);
};

/** Show a message instead of the previous one. */
export function toast(words) {
  const before = document.activeElement;
  const dismiss = element("button", { type: "button", class: "link" }, text("toast.dismiss"));
  dismiss.addEventListener("click", () => {
    place.replaceChildren();
    before.focus();
  });
  place.replaceChildren(element("div", { class: "toast__box" }, icon("success"), element("p", {}, words), dismiss));
  leave();
}

for (const stay of ["pointerenter", "focusin"]) place.addEventListener(stay, () => clearTimeout(timer));
for (const go of ["pointerleave", "focusout"]) place.addEventListener(go, leave);
