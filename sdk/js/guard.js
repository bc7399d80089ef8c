// The guard for services in Node.js: who calls, and may they do this? It asks the service for each call.

import { randomBytes } from "node:crypto";
import { Refusal, bearerToken, middlewareOf, readJson, serviceUrl, unavailable } from "./shared.js";

export { Refusal };

const MAX_ASKED = 20; // permissions in one question
const MAX_BODY = 64 * 1024; // bytes of a refusal
const PERMISSION = /^[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}$/;
const ID = /^[1-9][0-9]{0,9}$/;
const NAME = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/;

/** Return a guard that asks the service at `url`. The types and the guide describe it. */
export function createGuard(url, { timeout = 5000, allowPlainHttp = false } = {}) {
  const base = serviceUrl(url, allowPlainHttp);

  async function check(authorization, ...permissions) {
    const query = checked(permissions).map((each) => `permission=${each}`);
    const token = bearerToken(authorization);
    const answer = await ask(`${base}/auth/verify${query.length ? "?" : ""}${query.join("&")}`, token);
    const { status, headers, told } = answer ?? {};
    if (status === 204) {
      const userId = headers.get("X-Auth-User-Id") ?? "";
      const username = decoded(headers.get("X-Auth-Username") ?? "");
      if (ID.test(userId) && NAME.test(username)) return { userId: Number(userId), username };
    }
    if (typeof told?.code === "string") throw new Refusal(status, told, headers.get("WWW-Authenticate"));
    throw unavailable();
  }

  /** Return the answer, with the body of a refusal in `told`; undefined without one to this question. */
  async function ask(address, token) {
    const nonce = randomBytes(16).toString("hex");
    const headers = { Authorization: `Bearer ${token}`, "X-Auth-Nonce": nonce };
    const signal = AbortSignal.timeout(timeout);
    try {
      const answer = await fetch(address, { headers, redirect: "error", signal });
      const isRefusal = answer.status === 401 || answer.status === 403;
      const told = isRefusal ? await readJson(answer, MAX_BODY) : await answer.body?.cancel();
      const isMine = answer.headers.get("X-Auth-Nonce") === nonce;
      return isMine ? { status: answer.status, headers: answer.headers, told } : undefined;
    } catch {
      return undefined;
    }
  }

  const middleware = (permissions) => middlewareOf((header) => check(header, ...permissions), "caller");
  return { check, requires: (...permissions) => middleware(checked(permissions, 1)), signedIn: middleware([]) };
}

function checked(permissions, atLeast = 0) {
  const isRight = permissions.every((each) => typeof each === "string" && PERMISSION.test(each));
  if (!isRight || permissions.length < atLeast || permissions.length > MAX_ASKED)
    throw new TypeError(`name ${atLeast} to ${MAX_ASKED} permissions of the form thing:verb`);
  return permissions;
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return "";
  }
}
