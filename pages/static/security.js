import { ask, load } from "./account.js";
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
    return answer.code === "wrong_current_password" || answer.code === "session_ended";
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
const me = await load("/auth/me");
if (me.ok) username.value = me.data.user.email;
