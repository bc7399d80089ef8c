// The toggle that shows a password, until the form is submitted or the page is restored.

import { say, text } from "./page.js";

/** Activate all toggles below `root`. */
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
