// The page of an app that is not set up correctly.

import { say, text } from "../lib/page.js";

const button = document.getElementById("copy");
button.hidden = !navigator.clipboard;
button.addEventListener("click", async () => {
  const lines = [...document.querySelectorAll("#details dt")].map(
    (name) => `${name.textContent}: ${name.nextElementSibling.textContent}`,
  );
  await navigator.clipboard.writeText(lines.join("\n")).then(
    () => say(text("oauth_error.copied")),
    () => say(text("factors.not_copied")),
  );
});
