// The strength meter of a new password. It shows the server's score and never blocks a form.
//
// It takes no room until the first key in its field, and keeps its room from then on: nothing above the field
// moves, and the button does not move away from the pointer.

import { call } from "./client.js";
import { say, setting, text } from "./page.js";

const PAUSE = 300; // milliseconds from the last key to the request
const SETTLED = 700; // milliseconds from the last update to the announcement
const LINE = 20; // pixels, a line of help
const WORDS = ["meter.short", "meter.weak", "meter.medium", "meter.strong", "meter.very_strong"];
// Short texts for the advice of the server, which has a line each at 360 pixels.
const ADVICE = {
  "Straight rows of keys are easy to guess.": "meter.keys",
  "Short keyboard patterns are easy to guess.": "meter.keys",
  'Repeats like "aaa" are easy to guess.': "meter.repeats",
  'Repeats like "abcabcabc" are only slightly harder to guess than "abc".': "meter.repeats",
  'Sequences like "abc" or "6543" are easy to guess.': "meter.sequences",
  "Recent years are easy to guess.": "meter.years",
  "Dates are often easy to guess.": "meter.dates",
  "This is a top-10 common password.": "meter.common",
  "This is a top-100 common password.": "meter.common",
  "This is a very common password.": "meter.common",
  "This is similar to a commonly used password.": "meter.similar",
  "A word by itself is easy to guess.": "meter.word_alone",
  "Names and surnames by themselves are easy to guess.": "meter.names",
  "Common names and surnames are easy to guess.": "meter.names",
  "Add another word or two. Uncommon words are better.": "meter.add_word",
};

/** Keep the card of a page where it is when it grows, until the window has another size. */
function anchor(card) {
  if (!card) return;
  const main = card.parentElement;
  const gap = card.getBoundingClientRect().top - main.getBoundingClientRect().top;
  const padding = parseFloat(getComputedStyle(main).paddingBlockStart);
  main.style.alignItems = "flex-start";
  card.style.marginBlockStart = `${gap - padding}px`;
  const release = () => (main.style.alignItems = card.style.marginBlockStart = "");
  addEventListener("resize", release, { once: true });
}

/** Activate the meter of this input. `about()` returns the user's data, as context words. */
export function strengthMeter(input, about = () => ({})) {
  const meter = document.querySelector(`[data-meter-of="${input.id}"]`);
  const bars = meter.querySelector("[role=meter]");
  const [word, help] = [meter.querySelector(".meter__word"), meter.querySelector(".meter__help")];
  const least = Number(setting("minLength"));
  let pause, settled, asked, spoken = "";

  /** Show this many bars and their word, or none for `null`, and a line of help. */
  function show(steps, advice = "") {
    const name = steps === null ? "" : text(WORDS[steps]);
    bars.setAttribute("aria-valuenow", String(steps ?? 0));
    if (name) bars.setAttribute("aria-valuetext", text("meter.said", { word: name }));
    else bars.removeAttribute("aria-valuetext");
    word.textContent = name;
    help.textContent = advice;
    if (help.scrollHeight > LINE) meter.dataset.lines = "2"; // from now on
    clearTimeout(settled);
    settled = setTimeout(() => {
      if (name && name !== spoken) say(text("meter.said", { word: name }));
      spoken = name;
    }, SETTLED);
  }

  function advice({ warning, suggestions }) {
    const given = warning || suggestions[0] || "";
    return given in ADVICE ? text(ADVICE[given]) : given;
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
    if (answer.ok) show(Math.max(1, answer.data.score), advice(answer.data));
    else show(null, text("meter.unknown"));
  }

  input.addEventListener("input", () => {
    clearTimeout(pause);
    clearTimeout(settled);
    asked?.abort();
    if (meter.hidden) {
      anchor(document.querySelector(".centred #card"));
      meter.hidden = false;
    }
    const length = [...input.value.normalize("NFC")].length;
    if (length === 0) show(null, text("meter.least", { n: least }));
    else if (length < least) show(0, text("meter.more", { n: least - length }));
    else {
      if (bars.getAttribute("aria-valuenow") === "0") show(null); // a score stays until the next one
      pause = setTimeout(ask, PAUSE);
    }
  });
}
