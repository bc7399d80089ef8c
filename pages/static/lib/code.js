// A code of an authenticator app, or a recovery code in its place: the fields, the way from one to the other.

import { text } from "./page.js";

const EMPTY = { code: "code.empty", recovery_code: "recovery_code.empty" };
const WRONG = { code: "code.wrong", recovery_code: "recovery_code.wrong" };

/** The two fields of a form, of which one is shown and asked for. `switched(name)` hears which. */
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

  /** Ask for this one. */
  show(name) {
    this.name = name;
    for (const each of ["code", "recovery_code"]) {
      this.form.elements[each].closest(".field").hidden = each !== name;
    }
    this.button.textContent = text(name === "code" ? "two_factor.use_recovery" : "two_factor.use_code");
    this.switched(name);
  }

  /** The checks of both, for `Form`. */
  checks() {
    const check = (name) => (value) => (name === this.name && value.trim() === "" ? EMPTY[name] : null);
    return { code: { check: check("code") }, recovery_code: { check: check("recovery_code") } };
  }

  /** What the API takes. */
  given() {
    return { [this.name]: this.input.value.trim() };
  }

  /** Tell that it was wrong; a code that was used up is of no more use. */
  refused(form) {
    this.input.value = "";
    form.fault(this.name, WRONG[this.name]);
  }
}
