// Pages with several cards, of which one is shown at a time.

import { retitle, reveal } from "./page.js";

/** Show the card of this name instead of the current one, and focus its heading. */
export function showCard(name) {
  const place = document.getElementById("swap");
  place.replaceChildren(document.getElementById(`card-${name}`).content.cloneNode(true));
  reveal(); // before the focus: what is hidden cannot have it
  retitle();
  place.querySelector("h1").focus();
  return place;
}

const OF_LINKS = { token_expired: "expired", token_used: "used", token_unknown: "unknown" };

/** Show the card of an invalid link. Returns whether the response was about the link. */
export function showIfLinkFails(answer) {
  const name = OF_LINKS[answer.code] ?? (answer.status === 400 && "token" in answer.fields ? "unknown" : null);
  if (name) showCard(name);
  return name !== null;
}
