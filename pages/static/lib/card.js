// One page, several cards: another one takes the place of the first when that has nothing more to say.

import { retitle } from "./page.js";

/** Put the card of this name in the place of the present one, and the focus on its heading. */
export function showCard(name) {
  const place = document.getElementById("swap");
  place.replaceChildren(document.getElementById(`card-${name}`).content.cloneNode(true));
  retitle();
  place.querySelector("h1").focus();
  return place;
}

const OF_LINKS = { token_expired: "expired", token_used: "used", token_unknown: "unknown" };

/** Show the card of a link that does not work; whether the answer was about that. */
export function showIfLinkFails(answer) {
  const name = OF_LINKS[answer.code] ?? (answer.status === 400 && "token" in answer.fields ? "unknown" : null);
  if (name) showCard(name);
  return name !== null;
}
