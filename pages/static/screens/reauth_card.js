// The card that asks for the password, a code or a passkey once more.

import { callSignedIn, proveAgain as prove } from "../lib/client.js";
import { Form } from "../lib/form.js";
import { hasPasskeys, showPasskey } from "../lib/auth.js";
import { passwordToggles } from "../lib/password.js";

/** Handle the form of the card. Calls `done` after a proof, and `ended` if the session has ended. */
export function proveAgain({ account, isFactor, done, ended, busy = "busy.login" }) {
  const node = document.getElementById("reauth-form");
  const passkey = document.getElementById("passkey");
  const { signal } = new AbortController(); // the page is left instead
  const { password, code, username } = node.elements;
  username.value = account.email;
  password.closest(".field").hidden = isFactor;
  code.closest(".field").hidden = !isFactor;
  passkey.hidden = !isFactor || !hasPasskeys();
  passwordToggles();

  async function send(given) {
    const answer = await prove(given, signal);
    if (answer.ok) return done();
    if (answer.code === "session_ended") return ended();
    if (answer.code === "wrong_current_password") form.fault("password", "password.wrong");
    else if (answer.code === "wrong_code" && given.code) form.fault("code", "code.wrong");
    else if (answer.code === "wrong_code") form.fail("passkey.failed");
    else form.refused(answer);
  }

  const form = new Form(node, {
    fields: {
      password: { check: (value) => (!isFactor && value === "" ? "password.empty" : null) },
      code: { check: (value) => (isFactor && value.trim() === "" ? "code.empty" : null) },
    },
    busy,
    send: ({ password, code }) => send(isFactor ? { code: code.trim() } : { password }),
  });

  passkey.addEventListener("click", async () => {
    form.clear();
    const asked = await callSignedIn("POST", "/auth/reauth/options");
    if (!asked.ok) return asked.code === "no_passkeys" ? form.fail("passkey.none") : form.refused(asked);
    const credential = await showPasskey(asked.data.public_key);
    if (credential !== null) await send({ passkey: credential });
  });
}
