// A page that logs in with a second factor and tells the codes apart: `tsc --strict` reads it, nothing runs it.
import { AuthError, createClient, makePasskey, type Client, type Me, type Session, type Store } from "auth-service-client";

import { createGuard, Refusal, type Caller } from "auth-service-client/guard";
import { createTokenVerifier } from "auth-service-client/tokens";

const store: Store = {
  get: (name) => sessionStorage.getItem(name),
  set: (name, value) => sessionStorage.setItem(name, value),
  remove: async (name) => sessionStorage.removeItem(name),
};
const auth: Client = createClient("https://auth.example.com", { store, origins: ["https://api.example.com"] });
export const german: Client = createClient("/", { language: () => document.documentElement.lang });

export async function logIn(email: string, password: string, code: string): Promise<string> {
  try {
    return (await auth.login({ email, password, remember: true })).user.username;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    switch (error.code) {
      case "second_factor_required":
        return (await auth.secondFactor({ code, trust_device: true })).user.username;
      case "rate_limited":
        return `wait ${error.retryAfter.toFixed()} seconds`;
      default:
        return error.fields.password ?? error.requestId;
    }
  }
}

export async function more(): Promise<[Me, Session[], number]> {
  await auth.register({ email: "ada@example.com", password: "correct horse battery" });
  await auth.passkey({ mediation: "conditional", remember: () => true, signal: new AbortController().signal });
  await auth.reauth({ passkey: true });
  const options = await auth.callSignedIn<{ public_key: object }>("POST", "/auth/passkeys/options");
  const credential = await makePasskey(options.public_key);
  if (credential) await auth.callSignedIn("POST", "/auth/passkeys", { credential, name: "Laptop" });
  const stop: () => void = auth.onSignedOut((reason) => reason === "other_account" && location.reload());
  stop();
  const response: Response = await auth.fetch("/api/orders", { method: "POST", body: "{}" });
  if (auth.can("reports:read")) await auth.logout();
  return [await auth.me(), await auth.sessions(), response.status];
}

// @ts-expect-error: a password is needed
void auth.login({ email: "ada@example.com" });
// @ts-expect-error: one factor
void auth.secondFactor({ code: "123456", recovery_code: "x" });
// @ts-expect-error: no such reason
auth.onSignedOut((reason) => reason === "bored");
// @ts-expect-error: no such delivery
createClient("/", { delivery: "header" });

export async function whoCalls(header: string | undefined): Promise<Caller | number> {
  const guard = createGuard("https://auth.example.com", { timeout: 1000 });
  const response = { writeHead: (status: number) => status, end: (body: string) => body };
  await guard.requires("reports:read", "reports:write")({ headers: { authorization: header } }, response, () => undefined);
  await guard.signedIn({ headers: {} }, response, (error?: unknown) => void error);
  try {
    return await guard.check(header, "reports:read");
  } catch (error) {
    if (error instanceof Refusal) return error.status + error.body.code.length + Object.keys(error.headers).length;
    throw error;
  }
}

export async function whoseToken(header: string | undefined): Promise<number> {
  const verifier = createTokenVerifier({ url: "https://a.example", resource: "https://b.example", clientId: "b", clientSecret: "s" });
  const response = { writeHead: (status: number) => status, end: (body: string) => body };
  await verifier.requires("orders:read")({ headers: { authorization: header } }, response, () => undefined);
  const token = await verifier.check(header, "orders:read");
  return token.userId + token.clientId.length + token.scopes.size;
}
// @ts-expect-error: a secret is needed
createTokenVerifier({ url: "https://a.example", resource: "https://b.example", clientId: "b" });
