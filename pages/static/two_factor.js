import { isSignedIn, secondStep, waitingFor } from "./api.js";
import { CodeFields } from "./code.js";
import { Form } from "./form.js";
import { retitle, safeNext } from "./page.js";

const node = document.getElementById("second-form");
const next = () => safeNext(waitingFor().next);
const OVER = new Set(["challenge_invalid", "challenge_expired"]);
const fields = new CodeFields(node, document.getElementById("other-way"), (name) => {
  document.getElementById("ask-code").hidden = name !== "code";
  document.getElementById("ask-recovery").hidden = name === "code";
  retitle();
});

new Form(node, {
  fields: fields.checks(),
  busy: "busy.login",
  shown(answer, form) {
    if (answer.code !== "second_factor_invalid") return false;
    fields.refused(form);
    return true;
  },
  async send({ trust_device: trust }, form) {
    const to = next();
    const answer = await secondStep(fields.given(), trust === "1");
    if (OVER.has(answer.code)) {
      const { next: wanted = "/account" } = waitingFor();
      location.replace(`/login?${new URLSearchParams({ reason: "two_factor", next: wanted })}`);
      return "leaving";
    }
    if (!answer.ok) return form.refused(answer);
    location.assign(to);
    return "leaving";
  },
});
addEventListener("pageshow", (event) => event.persisted && node.reset());
if (await isSignedIn()) location.replace(next());
