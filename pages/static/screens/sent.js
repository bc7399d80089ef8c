// "Check Your Email": the address comes from the session storage and is never in the URL.

import { call } from "../lib/client.js";
import { failIn, general } from "../lib/form.js";
import { element, fill, say, text } from "../lib/page.js";

const COOLDOWN = 60_000; // milliseconds
const sentence = document.getElementById("sent-text");
const button = document.getElementById("resend");
const wait = document.getElementById("resend-wait");
const alert = document.getElementById("form-error");
const email = sessionStorage.getItem("auth.email");

const failures = { fail: (key, values) => failIn(alert, key, values) };

function coolDown() {
  button.setAttribute("aria-disabled", "true");
  wait.textContent = text("resend.wait");
  setTimeout(() => {
    button.removeAttribute("aria-disabled");
    wait.textContent = "";
    say(text("resend.again"));
  }, COOLDOWN);
}

if (email) {
  fill(sentence, `${sentence.dataset.text}.to`, {
    email: element("strong", {}, email),
    minutes: sentence.dataset.minutes,
  });
  document.getElementById("resend-row").hidden = false;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    alert.replaceChildren();
    coolDown();
    const answer = await call("POST", sentence.dataset.call, { email });
    document.getElementById("resend-done").hidden = !answer.ok;
    if (answer.ok) say(text("resend.done"));
    else general(answer, failures);
  });
}
document.querySelector("h1").focus();
