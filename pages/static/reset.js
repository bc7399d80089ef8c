import { call, lookAgain } from "./api.js";
import { showIfLinkFails } from "./card.js";
import { Form, newPassword, present } from "./form.js";
import { strengthMeter } from "./meter.js";
import { passwordToggles } from "./password.js";
import { element, fill, tokenOfLink } from "./page.js";

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
