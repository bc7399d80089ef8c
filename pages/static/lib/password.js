// The eye in a password field: shows what was typed, until the form is sent or the page comes back.

import { say, text } from "./page.js";

/** Bring every toggle below `root` to life. */
export function passwordToggles(root = document) {
  for (const button of root.querySelectorAll(".pw__toggle")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    const show = (visible) => {
      input.type = visible ? "text" : "password";
      button.setAttribute("aria-pressed", String(visible));
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      const { selectionStart, selectionEnd } = input;
      show(input.type === "password");
      input.setSelectionRange(selectionStart, selectionEnd);
      say(text(input.type === "text" ? "password.visible" : "password.hidden"));
    });
    button.addEventListener("hide", () => show(false));
    addEventListener("pageshow", (event) => event.persisted && show(false));
  }
}
