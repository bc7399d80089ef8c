// A question in front of the page: who opens it gets the answer, and the focus goes back where it was.

/** Open a dialog; resolves to what it was closed with, "" if the person thought better of it. */
export function asked(dialog) {
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        if (opener?.isConnected) opener.focus();
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

/** Its buttons to cancel and, where nothing has to be filled in, to confirm. */
export function dialogButtons(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => dialog.close(button.dataset.close));
  }
}
