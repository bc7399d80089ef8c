import { ask, failed, loadMe } from "./account.js";
import { Form, newPassword, present } from "./form.js";
import { strengthMeter } from "./meter.js";

const node = document.getElementById("password-form");
const { username, new_password: password } = node.elements;

new Form(node, {
  fields: present(node, {
    current_password: { check: (value) => (value === "" ? "password.empty" : null) },
    ...newPassword(),
  }),
  busy: "busy.save",
  shown(answer, form) {
    if (answer.code === "wrong_current_password") form.fault("current_password", "password.wrong");
    return answer.code === "wrong_current_password";
  },
  async send(values, form) {
    const answer = await ask("POST", "/auth/password/change", {
      current_password: values.current_password,
      new_password: values.new_password,
      end_other_sessions: values.end_others === "1",
    });
    if (!answer.ok) return form.refused(answer);
    node.reset();
    node.hidden = true;
    const done = document.getElementById("changed");
    done.hidden = false;
    done.focus();
  },
});
strengthMeter(password, () => (username.value ? { email: username.value } : {}));

async function start() {
  const answer = await loadMe();
  if (!answer.ok) failed(answer, start);
}
await start();
