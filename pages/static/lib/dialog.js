// Modal dialogs. The browser moves the focus into the dialog and restores it.

/** Open a dialog. Resolves to its return value, or "" if it was cancelled. */
export function asked(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  // Not `autofocus`: Chromium logs a warning about closed dialogs that have it if something else is focused.
  dialog.querySelector("[data-first]")?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Activate the cancel button and, in dialogs without fields, the confirm button. */
export function dialogButtons(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => dialog.close(button.dataset.close));
  }
}
