// Registers, sets up a second factor, logs in with it, and handles each code: `tsc --strict` checks it, and node
// runs it against a service at the address of the first argument. The types are generated from its description.
import createClient from "openapi-fetch";

import type { paths } from "./schema";

declare const process: { argv: string[] };
const api = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const account = { username: "ada", password: "correct horse battery" };
const steps: string[] = [];

function unknown(error: never): never {
  throw new Error(`a code that the description does not have: ${JSON.stringify(error)}`);
}

async function register(): Promise<number> {
  const { data, error, response } = await api.POST("/auth/register", { body: { ...account, email: "ada@example.com" } });
  if (data) return response.status;
  switch (error.code) {
    case "username_taken":
    case "email_taken":
    case "account_taken":
    case "password_too_short":
    case "password_too_common":
    case "password_contains_context":
    case "password_leaked":
    case "cross_site_refused":
    case "no_input":
    case "json_invalid":
    case "missing_fields":
    case "validation_failed":
      throw new Error(JSON.stringify(error.fields ?? error.message));
    case "challenge_required":
      throw new Error(error.challenge.kind === "external" ? error.challenge.action : error.challenge.token);
    case "rate_limited":
    case "busy":
    case "payload_too_large":
    case "unsupported_media_type":
    case "internal_error":
    case "unavailable":
      throw new Error(error.request_id);
    default:
      return unknown(error);
  }
}

/** Logs in; with a second factor by the recovery code. Returns the access token. */
async function logIn(password: string, recoveryCode?: string): Promise<string> {
  const { data, error } = await api.POST("/auth/login", { body: { username: account.username, password } });
  if (data) return data.access_token;
  steps.push(error.code);
  switch (error.code) {
    case "second_factor_required":
      if (!error.methods.includes("recovery_code") || error.expires_in < 1) throw new Error("no such factor");
      return secondStep(error.challenge_token ?? "", recoveryCode ?? "");
    case "invalid_credentials":
      return "";
    case "email_not_verified":
    case "cross_site_refused":
    case "no_input":
    case "json_invalid":
    case "missing_fields":
    case "validation_failed":
    case "rate_limited":
    case "busy":
    case "payload_too_large":
    case "unsupported_media_type":
    case "internal_error":
    case "unavailable":
      throw new Error(error.message);
    default:
      return unknown(error);
  }
}

async function secondStep(challenge_token: string, recovery_code: string): Promise<string> {
  const { data, error } = await api.POST("/auth/login/second-factor", {
    params: { header: { "X-Device-Token": "none yet" } },
    body: { challenge_token, recovery_code },
  });
  if (data) return data.access_token;
  steps.push(error.code);
  switch (error.code) {
    case "second_factor_invalid":
    case "challenge_invalid":
    case "challenge_expired":
    case "totp_blocked":
      return "";
    case "cross_site_refused":
    case "no_input":
    case "json_invalid":
    case "missing_fields":
    case "validation_failed":
    case "rate_limited":
    case "payload_too_large":
    case "unsupported_media_type":
    case "internal_error":
    case "unavailable":
      throw new Error(error.message);
    default:
      return unknown(error);
  }
}

/** Sets up an authenticator app, whose code `code` makes of its secret; returns a recovery code. */
async function setUp(access: string, code: (secret: string) => Promise<string>): Promise<string> {
  const headers = { Authorization: `Bearer ${access}` };
  const begun = await api.POST("/auth/totp", { headers });
  if (begun.error) {
    if (begun.error.code === "reauth_required") throw new Error(`by_factor: ${begun.error.by_factor ?? false}`);
    throw new Error(begun.error.code);
  }
  const confirmed = await api.POST("/auth/totp/confirm", { headers, body: { code: await code(begun.data.secret) } });
  if (confirmed.error) throw new Error(confirmed.error.code);
  return confirmed.data.recovery_codes[0] ?? "";
}

async function totp(secret: string): Promise<string> {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g)!.map((byte) => parseInt(byte, 2));
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), algorithm, false, ["sign"]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setUint32(4, Math.floor(Date.now() / 30_000));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const number = mac.getUint32(mac.getUint8(19) & 15) & 0x7fffffff;
  return (number % 1_000_000).toString().padStart(6, "0");
}

steps.push(String(await register()));
const recoveryCode = await setUp(await logIn(account.password), totp);
await logIn("a wrong password");
await logIn(account.password, "mfrg-gzdf-mztw-q2lk-nnwg-23tp");
const access = await logIn(account.password, recoveryCode);
const me = await api.GET("/auth/me", { headers: { Authorization: `Bearer ${access}` } });
if (me.error) throw new Error(me.error.code);
console.log(JSON.stringify([...steps, me.data.user.username]));

// @ts-expect-error: a password is needed
void ((): unknown => api.POST("/auth/login", { body: { username: "ada" } }));
// @ts-expect-error: there is no such way of delivery
void ((): unknown => api.POST("/auth/login", { body: { password: "", token_delivery: "header" } }));
