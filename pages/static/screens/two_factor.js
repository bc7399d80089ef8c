import { isSignedIn, secondStep, waitingFor } from "../lib/client.js";
import { CodeFields } from "../lib/code.js";
import { Form } from "../lib/form.js";
import { hasPasskeys, showPasskey } from "../lib/auth.js";
import { retitle } from "../lib/page.js";

const node = document.getElementById("second-form");
const next = () => waitingFor().next ?? "/account"; // the server checked it for the login page
const OVER = new Set(["challenge_invalid", "challenge_expired"]);
const fields = new CodeFields(node, document.getElementById("other-way"), (name) => {
  document.getElementById("ask-code").hidden = name !== "code";
  document.getElementById("ask-recovery").hidden = name === "code";
  retitle();
});

async function withPasskey() {
  const credential = await showPasskey(waitingFor().options);
  if (credential === null) return;
  form.clear();
  const to = next();
  const answer = await secondStep({ passkey: credential }, node.elements.trust_device.checked);
  if (OVER.has(answer.code)) beginAgain();
  else if (answer.ok) location.assign(to);
  else if (answer.code === "second_factor_invalid") form.fail("passkey.refused");
  else form.refused(answer);
}

function beginAgain() {
  const { next: wanted = "/account" } = waitingFor();
  location.replace(`/login?${new URLSearchParams({ reason: "two_factor", next: wanted })}`);
}

const form = new Form(node, {
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
      beginAgain();
      return "leaving";
    }
    if (!answer.ok) return form.refused(answer);
    location.assign(to);
    return "leaving";
  },
});
if (document.activeElement === document.body) fields.input.focus(); // screen readers announce the title
addEventListener("pageshow", (event) => event.persisted && node.reset());
if (hasPasskeys() && waitingFor().options) {
  const button = document.getElementById("passkey");
  button.hidden = false;
  button.addEventListener("click", withPasskey);
}
if (!waitingFor().another && (await isSignedIn())) location.replace(next());
