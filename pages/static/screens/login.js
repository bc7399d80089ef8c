import {
  call,
  comesBack,
  forgetDepartures,
  isSignedIn,
  logIn,
  logInWithPasskey,
  noteDeparture,
  waitFor,
} from "../lib/client.js";
import { Form, rules } from "../lib/form.js";
import { hasPasskeys, offersInField } from "../lib/auth.js";
import { passwordToggles } from "../lib/password.js";
import { element, say, setUpPage, text } from "../lib/page.js";

const node = document.getElementById("login-form");
// The person who is logged in chose to log in with another account.
const another = new URLSearchParams(location.search).has("another");
// As the server wrote it: the server alone decides where a login may lead.
const next = node.elements.next.value;
// A page that asked for this login, and may ask again at once if it gets no cookie.
const isAsked = new URLSearchParams(location.search).get("next") === next && !another;

function leave() {
  if (isAsked) noteDeparture(next);
  location.assign(next);
}

function refused(answer, form) {
  const password = node.elements.password;
  if (answer.code === "invalid_credentials") {
    form.fail("login.refused");
    password.value = "";
    password.focus();
    return true;
  }
  if (answer.code !== "email_not_verified") return false;
  const again = element("button", { type: "button", class: "link" }, text("login.send_link"));
  again.addEventListener("click", async () => {
    const sent = await call("POST", "/auth/email/resend", { email: node.elements.email.value.trim() });
    if (sent.ok) {
      again.replaceWith(text("login.link_sent"));
      say(text("login.link_sent"));
    } else form.refused(sent);
  });
  form.fail("login.unverified", { send: again });
  password.focus();
  return true;
}

const passkey = document.getElementById("passkey");
let waiting = null; // the passkey request of the autofill

async function withPasskey(mediation) {
  waiting?.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  const remember = () => node.elements.remember.checked;
  const answer = await logInWithPasskey({ mediation, signal, remember });
  if (answer.ok) return leave();
  if (signal.aborted) return;
  if (answer.code === "passkey_cancelled") return mediation ? null : offerInField();
  form.clear();
  if (answer.code === "passkey_invalid") form.fail("passkey.refused");
  else form.refused(answer);
  if (!mediation) await offerInField(); // the old options would be refused again
}

async function offerInField() {
  if (await offersInField()) await withPasskey("conditional");
}

const form = new Form(node, {
  fields: {
    email: { check: rules.email, early: true },
    password: { check: (value) => (value === "" ? "password.empty" : null) },
  },
  busy: "busy.login",
  shown: refused,
  async send({ email, password, remember }, form) {
    document.querySelector(".card > .message")?.remove(); // the reason for the redirect, now obsolete
    const answer = await logIn(email.trim(), password, remember === "1");
    if (answer.code === "second_factor_required") {
      waitFor(next, remember === "1", answer.data, { another });
      location.assign("/two-factor");
      return "leaving";
    }
    if (!answer.ok) return form.refused(answer);
    if (answer.data.second_factor_setup_required) location.assign(setUpPage(next));
    else leave();
    return "leaving";
  },
});
passwordToggles();
// So that "Forgot Password?" knows the address.
document.getElementById("forgot-link").addEventListener("click", () => {
  const email = node.elements.email.value.trim();
  if (email) sessionStorage.setItem("auth.email", email);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) node.elements.password.value = "";
});
passkey.hidden = !hasPasskeys(); // visible at first, to avoid a layout shift
passkey.addEventListener("click", () => withPasskey());
// The account that an app asked for.
node.elements.email.value ||= sessionStorage.getItem("auth.login_hint") ?? "";
sessionStorage.removeItem("auth.login_hint");
if (isAsked && comesBack(next)) {
  forgetDepartures();
  location.replace(`/login/cookies?${new URLSearchParams({ next })}`);
} else if (!another && (await isSignedIn())) {
  if (isAsked) noteDeparture(next);
  location.replace(next);
} else await offerInField();
