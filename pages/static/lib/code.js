// The fields for an authenticator code and a recovery code, and the switch between them.

import { text } from "./page.js";

const EMPTY = { code: "code.empty", recovery_code: "recovery_code.empty" };
const WRONG = { code: "code.wrong", recovery_code: "recovery_code.wrong" };

/** The two fields of a form, one of which is shown. Calls `switched(name)` on a change. */
export class CodeFields {
  constructor(form, button, switched = () => {}) {
    Object.assign(this, { form, button, switched });
    button.addEventListener("click", () => {
      this.show(this.name === "code" ? "recovery_code" : "code");
      this.input.focus();
    });
    this.show("code");
  }

  get input() {
    return this.form.elements[this.name];
  }

  /** Show this field. */
  show(name) {
    this.name = name;
    for (const each of ["code", "recovery_code"]) {
      this.form.elements[each].closest(".field").hidden = each !== name;
    }
    this.button.textContent = text(name === "code" ? "two_factor.use_recovery" : "two_factor.use_code");
    this.switched(name);
  }

  /** Return the checks of both fields, for `Form`. */
  checks() {
    const check = (name) => (value) => (name === this.name && value.trim() === "" ? EMPTY[name] : null);
    return { code: { check: check("code") }, recovery_code: { check: check("recovery_code") } };
  }

  /** Return the members of the request body. */
  given() {
    return { [this.name]: this.input.value.trim() };
  }

  /** Show that the code was wrong, and clear it. */
  refused(form) {
    this.input.value = "";
    form.fault(this.name, WRONG[this.name]);
  }
}
