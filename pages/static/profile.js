import { call } from "./api.js";
import { failed, load } from "./account.js";
import { say, text } from "./page.js";

const place = (id) => document.getElementById(id);

async function show() {
  const answer = await load("/auth/me");
  if (!answer.ok) return failed(answer, show);
  const { user } = answer.data;
  place("email-shown").textContent = user.email;
  place("email-state").textContent = text(user.email_verified ? "profile.confirmed" : "profile.unconfirmed");
  place("username-shown").textContent = user.username;
  place("since").dateTime = user.created_at;
  place("since").textContent = new Date(user.created_at).toLocaleDateString("en", { dateStyle: "long" });
  place("facts").removeAttribute("aria-busy");
  const resend = place("resend");
  resend.hidden = user.email_verified;
  resend.onclick = async () => {
    const sent = await call("POST", "/auth/email/resend", { email: user.email });
    if (sent.ok) say(text("resend.done"));
    else failed(sent, resend.onclick);
  };
}

await show();
