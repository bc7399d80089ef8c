// Pages of links with one action, which starts when the button is pressed.

import { call, lookAgain } from "../lib/client.js";
import { showCard, showIfLinkFails } from "../lib/card.js";
import { Form } from "../lib/form.js";
import { reveal, tokenOfLink } from "../lib/page.js";

const CALLS = {
  "/reject": "/auth/email/reject",
  "/undo-email-change": "/auth/email/change/undo",
  "/restore": "/auth/me/restore",
  "/disown": "/auth/sessions/disown",
};
const token = tokenOfLink();
const path = location.pathname.replace(/\/$/, "");

new Form(document.getElementById("link-form"), {
  fields: {},
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code !== "email_taken") return showIfLinkFails(answer);
    form.fail("undo.taken");
    return true;
  },
  async send(_, form) {
    const answer = await call("POST", CALLS[path], { token });
    if (!answer.ok) return form.refused(answer);
    await lookAgain();
    showCard("done");
  },
});
if (!token) showCard("unknown");
reveal();
