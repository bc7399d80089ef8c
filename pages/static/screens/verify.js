import { call, callSignedIn, confirmSignUp, isSignedIn, takeRequest, waitFor } from "../lib/client.js";
import { showCard, showIfLinkFails } from "../lib/card.js";
import { Form, rules } from "../lib/form.js";
import { passwordToggles } from "../lib/password.js";
import { element, fill, reveal, setUpPage, text, tokenOfLink } from "../lib/page.js";

const token = tokenOfLink();
const node = document.getElementById("verify-form");
const words = document.getElementById("verify-text");
const passwordPart = document.getElementById("verify-password");
// By purpose of the link: the texts with and without a session, and the last card.
const PURPOSES = {
  verify: { signedIn: "verify.signed_in", withPassword: "verify.with_password", card: "done" },
  email_change: { signedIn: "verify_change.signed_in", withPassword: "verify_change.with_password", card: "changed" },
};
let signedIn = false;
let isEarly = false; // whether the button was pressed while the link was being checked

function hold(event) {
  event.preventDefault(); // else the browser submits the form, and shows that JavaScript is required
  isEarly = true;
}
node.addEventListener("submit", hold);

/** Return the address with most of its local part hidden. */
function masked(email) {
  const [name, domain] = email.split(/@(?=[^@]*$)/);
  return `${[...name][0]}•••@${domain}`;
}

function sendNew() {
  const again = document.getElementById("again-form") ?? showCard("send-new").querySelector("form");
  again.elements.email.value = sessionStorage.getItem("auth.email") ?? "";
  new Form(again, {
    fields: { email: { check: rules.email, early: true } },
    busy: "busy.send",
    async send({ email }, form) {
      const answer = await call("POST", "/auth/email/resend", { email: email.trim() });
      if (!answer.ok) return form.refused(answer);
      const words = showCard("sent-again").querySelector(".lead");
      fill(words, "verify.sent_again", { email: element("strong", {}, email.trim()) });
    },
  });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("a")?.getAttribute("href") !== "#send-new") return;
  event.preventDefault();
  sendNew();
});

function askForPassword({ email, purpose }) {
  fill(words, PURPOSES[purpose].withPassword, { email: element("strong", {}, masked(email)) });
  passwordPart.hidden = false;
  if (purpose !== "verify") return; // the link does not have the current address
  node.elements.username.value = email;
  offerReject();
}

function offerReject() {
  const reject = document.getElementById("verify-reject");
  reject.firstElementChild.href = `/reject#token=${token}`;
  reject.hidden = false;
}

/** Confirm. The confirmation of a sign-up logs in, unless a session is open in this browser. */
async function confirm({ purpose }, password) {
  const given = password ? { token, password } : { token };
  if (signedIn && !password) return callSignedIn("POST", "/auth/email/verify", given);
  return signedIn || purpose !== "verify" ? call("POST", "/auth/email/verify", given) : confirmSignUp(given);
}

function open(link) {
  node.removeEventListener("submit", hold);
  new Form(node, {
    fields: {
      password: { check: (value) => (value === "" && !passwordPart.hidden ? "password.empty" : null) },
    },
    busy: "busy.save",
    shown(answer, form) {
      if (showIfLinkFails(answer)) return true;
      if (answer.code === "missing_fields" || answer.code === "session_ended") {
        if (answer.code === "session_ended") signedIn = false;
        askForPassword(link);
        form.fail(signedIn ? "verify.other_account" : "verify.password_needed");
        node.elements.password.focus();
        return true;
      }
      if (answer.code === "email_taken") return form.fail("verify.taken") ?? true;
      if (answer.code !== "invalid_credentials") return false;
      node.elements.password.value = "";
      form.fault("password", "password.wrong");
      return true;
    },
    async send({ password }, form) {
      const answer = await confirm(link, password);
      if (answer.code === "second_factor_required") {
        waitFor(target(answer.data), false, answer.data);
        location.assign("/two-factor");
        return "leaving";
      }
      if (answer.ok) done(link, answer.data);
      else form.refused(answer);
    },
  });
  passwordToggles();
  if (signedIn || link.signed_up_here)
    fill(words, PURPOSES[link.purpose].signedIn, { email: element("strong", {}, masked(link.email)) });
  else askForPassword(link);
  if (!signedIn && link.signed_up_here) offerReject();
  if (isEarly) node.requestSubmit();
}

/** Return where the sign-up wanted to go. The server checked it, also what this browser has kept. */
function target({ next = "/account" }) {
  return next === "/oauth/authorize" ? (takeRequest() ?? "/account") : next;
}

/** Show that the address is confirmed. After a login the button leads to where the sign-up wanted to go. */
function done({ purpose }, data = {}) {
  const button = showCard(PURPOSES[purpose].card).querySelector("a.btn");
  const next = target(data);
  if (data.user) button.href = data.second_factor_setup_required ? setUpPage(next) : next;
}

const checked = token
  ? await call("POST", "/auth/email/verify/check", { token })
  : { ok: false, code: "token_unknown", fields: {} };
if (!checked.ok) {
  if (!showIfLinkFails(checked)) words.textContent = text(checked.status === 0 ? "network" : "unexpected");
} else if (checked.data.confirmed) done(checked.data);
else {
  signedIn = await isSignedIn();
  open(checked.data);
}
reveal();
