import { isSignedIn, keepRequest, signUp } from "../lib/client.js";
import { Form, newPassword, present, rules } from "../lib/form.js";
import { strengthMeter } from "../lib/meter.js";
import { passwordToggles } from "../lib/password.js";
import { element, text } from "../lib/page.js";

const MAX_NEXT = 2048; // of the API
const REQUEST = "/oauth/authorize"; // of an app. Longer ones stay in this browser, for the confirmation
const node = document.getElementById("signup-form");
const { email, new_password: password, terms } = node.elements;

function refused(answer, form) {
  if (answer.code === "email_taken" || answer.code === "account_taken") {
    form.fail("signup.taken", {
      login: element("a", { class: "link", href: "/login" }, text("signup.taken.login")),
      reset: element("a", { class: "link", href: "/forgot" }, text("signup.taken.reset")),
    });
    sessionStorage.setItem("auth.email", email.value.trim());
    email.focus();
    return true;
  }
  if (answer.status >= 500) for (const input of node.querySelectorAll(".pw input")) input.value = "";
  return false;
}

/** Return where to go on after the confirmation, in ASCII. */
function nextAddress() {
  const { value } = node.elements.next;
  const url = new URL(value, location.origin);
  const escaped = value.startsWith("/") ? url.pathname + url.search + url.hash : url.href;
  return /^[!-~]*$/.test(value) ? value : escaped;
}

/** Return it as the API takes it; undefined for the account. */
function accepted(address) {
  if (address === "/account") return undefined;
  if (address.length <= MAX_NEXT) return address;
  return address.startsWith(`${REQUEST}?`) ? REQUEST : undefined;
}

const form = new Form(node, {
  fields: present(node, {
    email: { check: rules.email, early: true },
    ...newPassword(),
    terms: { check: (value) => (value ? null : "terms") },
  }),
  busy: "busy.signup",
  shown: refused,
  names: { password: "new_password" },
  async send(values, form) {
    const address = nextAddress();
    const answer = await signUp({
      email: values.email.trim(),
      password: values.new_password,
      terms_accepted: true,
      next: accepted(address),
    });
    if (!answer.ok) return form.refused(answer);
    keepRequest(accepted(address) === REQUEST ? address : null);
    sessionStorage.setItem("auth.email", values.email.trim());
    const { value: next } = node.elements.next;
    location.assign(next === "/account" ? "/signup/sent" : `/signup/sent?${new URLSearchParams({ next })}`);
    return "leaving";
  },
});

// The button looks disabled until the terms are accepted, and explains that when it is pressed.
const gate = () => {
  if (terms.checked) form.button.removeAttribute("aria-disabled");
  else form.button.setAttribute("aria-disabled", "true");
};
terms.addEventListener("change", gate);
addEventListener("pageshow", gate);
gate();
passwordToggles();
strengthMeter(password, () => ({ email: email.value.trim() }));
if (await isSignedIn()) location.replace(node.elements.next.value);
