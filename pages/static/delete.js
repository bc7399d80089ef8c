import { announceLogOut } from "./api.js";
import { ask, load, provenAgain } from "./account.js";
import { showCard } from "./card.js";
import { Form } from "./form.js";

new Form(document.getElementById("delete-form"), {
  fields: {},
  busy: "busy.save",
  shown: (answer) => answer.code === "cancelled" || answer.code === "session_ended",
  async send(_, form) {
    // Always asks: what is hard to take back should not be one slip of the mouse away.
    if (!(await provenAgain())) return;
    const answer = await ask("DELETE", "/auth/me");
    if (!answer.ok) return form.refused(answer);
    announceLogOut();
    showCard("done");
  },
});
await load("/auth/me");
