import { call, lookAgain } from "../lib/client.js";
import { showIfLinkFails } from "../lib/card.js";
import { Form, newPassword, present } from "../lib/form.js";
import { strengthMeter } from "../lib/meter.js";
import { passwordToggles } from "../lib/password.js";
import { element, fill, reveal, tokenOfLink } from "../lib/page.js";

const token = tokenOfLink();
const node = document.getElementById("reset-form");
const { username, new_password: password } = node.elements;

new Form(node, {
  fields: present(node, newPassword()),
  busy: "busy.save",
  shown: showIfLinkFails,
  names: { password: "new_password" },
  async send(values, form) {
    const answer = await call("POST", "/auth/password/reset", { token, password: values.new_password });
    if (!answer.ok) return form.refused(answer);
    await lookAgain();
    location.replace("/reset/done");
    return "leaving";
  },
});
passwordToggles();
strengthMeter(password, () => (username.value ? { email: username.value } : {}));

const checked = token
  ? await call("POST", "/auth/password/reset/check", { token })
  : { ok: false, code: "token_unknown", fields: {} };
if (checked.ok) {
  username.value = checked.data.email ?? "";
  if (username.value) {
    fill(document.getElementById("reset-for"), "reset.for", { email: element("strong", {}, username.value) });
  }
} else showIfLinkFails(checked);
reveal();
