import { ask, failed, loadMe, provenAgain } from "./account.js";
import { announceLogOut } from "../lib/client.js";
import { showCard } from "../lib/card.js";
import { Form } from "../lib/form.js";

new Form(document.getElementById("delete-form"), {
  fields: {},
  busy: "busy.save",
  async send(_, form) {
    // Always ask for confirmation, since deletion is hard to undo.
    if (!(await provenAgain())) return;
    const answer = await ask("DELETE", "/auth/me");
    if (!answer.ok) return form.refused(answer);
    announceLogOut();
    for (const part of document.querySelectorAll(".who, .sections")) part.remove();
    history.replaceState(null, "", "/login"); // for a reload: the account is closed
    showCard("done");
  },
});

async function start() {
  const answer = await loadMe();
  if (!answer.ok) failed(answer, start);
}
await start();
