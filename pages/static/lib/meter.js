// The strength meter of a new password. It shows the server's score and never blocks a form.

import { call } from "./client.js";
import { say, text } from "./page.js";

const PAUSE = 300; // milliseconds from the last key to the request
const SETTLED = 700; // milliseconds from the last update to the announcement
const WORDS = ["", "meter.weak", "meter.medium", "meter.strong", "meter.very_strong"];

/** Activate the meter of this input. `about()` returns the user's data, as context words. */
export function strengthMeter(input, about = () => ({})) {
  const meter = document.querySelector(`[data-meter-of="${input.id}"]`);
  const bars = meter.querySelector("[role=meter]");
  const [word, help] = [meter.querySelector(".meter__word"), meter.querySelector(".meter__help")];
  let pause, settled, asked, spoken = "";

  function show(steps, advice = "") {
    const name = steps ? text(WORDS[steps]) : "";
    bars.setAttribute("aria-valuenow", String(steps));
    if (name) bars.setAttribute("aria-valuetext", name);
    else bars.removeAttribute("aria-valuetext");
    word.textContent = name && text("meter.word", { word: name });
    help.textContent = advice;
    clearTimeout(settled);
    settled = setTimeout(() => {
      if (name && name !== spoken) say(text("meter.word", { word: name }));
      spoken = name;
    }, SETTLED);
  }

  async function ask() {
    asked?.abort();
    const mine = (asked = new AbortController());
    const answer = await call(
      "POST",
      "/auth/password/strength",
      { password: input.value, ...about() },
      { signal: mine.signal },
    );
    if (mine.signal.aborted) return; // the input has changed
    meter.hidden = !answer.ok;
    if (!answer.ok) return;
    const { score, warning, suggestions } = answer.data;
    show(Math.max(1, score), warning || suggestions[0] || "");
  }

  show(0);
  meter.hidden = false;
  input.addEventListener("input", () => {
    clearTimeout(pause);
    clearTimeout(settled);
    asked?.abort();
    if (input.value === "") show(0);
    else pause = setTimeout(ask, PAUSE);
  });
}
