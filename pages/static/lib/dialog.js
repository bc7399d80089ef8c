// A question in front of the page. The browser puts the focus into it, and back where it was.

/** Open a dialog; resolves to what it was closed with, "" if the person thought better of it. */
export function asked(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

/** Its buttons to cancel and, where nothing has to be filled in, to confirm. */
export function dialogButtons(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => dialog.close(button.dataset.close));
  }
}
