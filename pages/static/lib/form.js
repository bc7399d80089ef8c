// Forms: validation, submission, and display of errors.

import { element, fill, icon, retitle, say, text } from "./page.js";

const SLOW = 500; // milliseconds until the progress text is shown
const VERY_SLOW = 10_000;
const EMAIL = /^\S+@\S+\.\S+$/; // catches typing errors; the server validates

export const rules = {
  email: (value) => (!value.trim() ? "email.empty" : EMAIL.test(value.trim()) ? null : "email.format"),
};

/**
 * Handle a form.
 *
 * `fields`: by input name, `{check(value, form) -> key or null, early: true}`; an `early` error is shown when a
 * non-empty field loses the focus. `send(values)` submits; `busy` is the key of the progress text.
 * `shown(answer)` shows errors specific to this form, and returns whether it did.
 */
export class Form {
  constructor(form, { fields, send, busy, shown = () => false, names = {} }) {
    Object.assign(this, { form, fields, send, busy, shown, names });
    form.noValidate = true;
    this.button = form.querySelector("button[type=submit]");
    this.alert = form.querySelector("[role=alert]");
    for (const [name, field] of Object.entries(fields)) {
      const input = form.elements[name];
      input.addEventListener("blur", (event) => this.#left(input, field, event.relatedTarget));
      input.addEventListener("input", () => this.#changed(input, field));
      input.addEventListener("change", () => this.#changed(input, field));
    }
    form.addEventListener("submit", (event) => this.#submitted(event));
    form.addEventListener("reset", () => this.#reset());
    addEventListener("pageshow", (event) => event.persisted && this.idle());
  }

  #reset() {
    this.idle();
    this.clear();
    for (const input of this.form.querySelectorAll("[aria-invalid]")) this.#show(input, null);
    for (const toggle of this.form.querySelectorAll(".pw__toggle")) toggle.dispatchEvent(new Event("hide"));
  }

  #left(input, field, to) {
    if (to === this.button) return; // submitting checks all fields; a message now would move the button away from the pointer
    if (field.early && input.value !== "") this.#show(input, field.check(input.value, this.form));
  }

  #changed(input, field) {
    if (input.getAttribute("aria-invalid")) this.#show(input, field.check(valueOf(input), this.form));
    for (const name of field.also ?? []) {
      const other = this.form.elements[name];
      if (other?.getAttribute("aria-invalid")) this.#show(other, this.fields[name].check(other.value, this.form));
    }
  }

  /** Show or clear the error of a field. */
  #show(input, key, values = {}) {
    const place = document.getElementById(`${input.id}-error`);
    if (key) {
      input.setAttribute("aria-invalid", "true");
      place.replaceChildren(icon("error"), element("span", {}, text(key, { ...input.dataset, ...limits(), ...values })));
    } else {
      input.removeAttribute("aria-invalid");
      place.replaceChildren();
      if (!this.form.querySelector("[aria-invalid]")) retitle();
    }
  }

  /** Check all fields and focus the first invalid one. Returns whether all are valid. */
  check() {
    for (const [name, field] of Object.entries(this.fields)) {
      const input = this.form.elements[name];
      this.#show(input, field.check(valueOf(input), this.form));
    }
    return this.#focusFirst();
  }

  #focusFirst() {
    const first = this.form.querySelector("[aria-invalid]");
    if (!first) return true;
    retitle({ error: true });
    first.focus();
    return false;
  }

  async #submitted(event) {
    event.preventDefault();
    if (this.button.getAttribute("aria-busy") === "true") return;
    this.clear();
    document.getElementById("toast")?.replaceChildren(); // it belongs to an earlier action
    if (!this.check()) return;
    for (const toggle of this.form.querySelectorAll(".pw__toggle")) toggle.dispatchEvent(new Event("hide"));
    this.wait();
    const leave = await this.send(Object.fromEntries(new FormData(this.form)), this);
    if (leave !== "leaving") this.idle();
  }

  /** Show that the form is being submitted. */
  wait() {
    this.button.setAttribute("aria-busy", "true");
    this.button.prepend(icon("spinner"));
    this.timers = [
      setTimeout(() => say(text(this.busy)), SLOW),
      setTimeout(() => say(text("busy.long")), VERY_SLOW),
    ];
  }

  /** Show that the submission has ended. */
  idle() {
    for (const timer of this.timers ?? []) clearTimeout(timer);
    this.button.removeAttribute("aria-busy");
    this.button.querySelector(".icon--loader-circle")?.remove();
    say("");
  }

  clear() {
    this.alert.replaceChildren();
    retitle();
  }

  /** Show an error of the whole form. The text may contain links and buttons. */
  fail(key, values = {}) {
    failIn(this.alert, key, values);
    retitle({ error: true });
  }

  /** Show an error response: field errors at their fields, others above the form. */
  refused(answer) {
    if (OVER.has(answer.code) || this.shown(answer, this)) return;
    const named = { ...FIELD_CODES[answer.code] };
    let known = false;
    for (const [field, message] of Object.entries(answer.fields)) {
      const input = this.form.elements[this.names[field] ?? field];
      const key = named.key ?? FIELD_KEYS[field]?.(message);
      if (!(input instanceof HTMLInputElement) || !input.id || !key) continue;
      this.#show(input, key);
      known = true;
    }
    if (known) this.#focusFirst();
    else general(answer, this);
  }

  /** Show a field error of the server. */
  fault(name, key) {
    this.#show(this.form.elements[name], key);
    this.#focusFirst();
  }
}

const OVER = new Set(["session_ended", "cancelled"]); // the page is being left, or the user cancelled
const FIELD_CODES = {
  password_too_short: { key: "password.short" },
  password_too_common: { key: "password.common" },
  password_contains_context: { key: "password.context" },
  password_leaked: { key: "password.leaked" },
  password_unchanged: { key: "password.same" },
};
// Messages of the API may change; the names of fields do not.
const FIELD_KEYS = {
  email: () => "email.format",
  username: () => "username.format",
  password: () => "password.long",
  new_password: () => "password.long",
  name: () => "passkeys.name_long",
};

/** Values for the texts of errors. */
function limits() {
  const { minLength, maxLength, maxUsername, brand } = document.documentElement.dataset;
  return { n: minLength, max: maxLength, max_username: maxUsername, brand };
}

/** Put an error into this live region, followed by `after`, such as a button. */
export function failIn(region, key, values = {}, ...after) {
  const words = fill(document.createElement("p"), key, values);
  for (const node of after) words.append(" ", node);
  region.replaceChildren(element("div", { class: "message message--error" }, icon("error"), words));
}

/** Return the text of an error that is not about a field. */
export function general(answer, form) {
  if (answer.status === 429) {
    const minutes = Math.max(1, Math.ceil(answer.retryAfter / 60));
    form.fail("limited", { n: String(minutes) });
  } else if (answer.status === 0) form.fail("network");
  else if (answer.code === "refresh_token_missing" && !isSecureContext) form.fail("insecure");
  else if (answer.code === "busy") form.fail("busy");
  else if (answer.code === "totp_blocked") form.fail("totp_blocked");
  else form.fail("unexpected");
}

function valueOf(input) {
  return input.type === "checkbox" ? (input.checked ? input.value : "") : input.value;
}

/** Return the checks of a new password and of its confirmation. */
export function newPassword(name = "new_password", confirm = "confirm_password") {
  return {
    [name]: {
      check: (value) => {
        if (value === "") return "password.create";
        const { n, max } = limits();
        const length = [...value.normalize("NFC")].length;
        return length < n ? "password.short" : length > max ? "password.long" : null;
      },
      early: true,
      also: [confirm],
    },
    [confirm]: {
      check: (value, form) =>
        value === "" ? "confirm.empty" : value === form.elements[name].value ? null : "confirm.differs",
      early: true,
    },
  };
}

/** Return those `fields` that the form has: the confirmation field is optional. */
export function present(form, fields) {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => form.elements[name]));
}
