import { call } from "../lib/client.js";
import { Form, rules } from "../lib/form.js";

const node = document.getElementById("forgot-form");
node.elements.email.value ||= sessionStorage.getItem("auth.email") ?? "";

new Form(node, {
  fields: { email: { check: rules.email, early: true } },
  busy: "busy.send",
  async send({ email }, form) {
    const answer = await call("POST", "/auth/password/forgot", { email: email.trim() });
    if (!answer.ok) return form.refused(answer);
    sessionStorage.setItem("auth.email", email.trim());
    location.assign("/forgot/sent");
    return "leaving";
  },
});
