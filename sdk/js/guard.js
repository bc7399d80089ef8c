// The guard for services in Node.js: who calls, and may they do this? It asks the service for each call.

import { randomBytes } from "node:crypto";

const MAX_ASKED = 20; // permissions in one question
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const PERMISSION = /^[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}$/;
const BEARER = /^[ \t]*bearer +([!-~]{1,4096})[ \t]*$/i;
const ID = /^[1-9][0-9]{0,9}$/;
const NAME = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/;
const UNAVAILABLE = { code: "unavailable", message: "Permissions cannot be checked now. Try again later." };
const MISSING = { code: "token_missing", message: "Authorization token is missing!" };
const MALFORMED = { code: "token_malformed", message: 'Malformed Authorization header. Use "Bearer <token>"' };

/** The call is refused. Answer with `status`, `headers`, and `body` as JSON. The message is safe to log. */
export class Refusal extends Error {
  constructor(status, body, challenge) {
    super(body.code);
    this.name = "Refusal";
    const headers = { "Cache-Control": "no-store", ...(challenge && { "WWW-Authenticate": challenge }) };
    Object.assign(this, { status, body, headers });
  }
}

/** Return the URL of a service without a slash at the end. Throws a `TypeError`. For the modules of this package. */
export function serviceUrl(url, allowPlainHttp) {
  const service = new URL(url);
  const isPlain = service.protocol !== "https:";
  if (isPlain && !(service.protocol === "http:" && (allowPlainHttp || LOOPBACK.test(service.hostname))))
    throw new TypeError("tokens would cross a network unencrypted: use https, or allowPlainHttp");
  if (service.username || service.search || service.hash) throw new TypeError("the URL has no user, query or fragment");
  return service.href.replace(/\/$/, "");
}

/** Return the token of an Authorization header. Throws a `Refusal`. For the modules of this package. */
export function bearerToken(authorization) {
  const token = BEARER.exec(authorization ?? "")?.[1];
  if (!token && authorization) throw new Refusal(401, MALFORMED, 'Bearer error="invalid_request"');
  if (!token) throw new Refusal(401, MISSING, "Bearer");
  return token;
}

/** Return the refusal of a call that cannot be checked now. For the modules of this package. */
export const unavailable = () => new Refusal(503, UNAVAILABLE);

/** Return middleware that stores what `check` finds under a name of the request. For the modules of this package. */
export const middlewareOf = (check, name) => async (request, response, next) => {
  try {
    request[name] = await check(request.headers.authorization);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) return next(refusal);
    response.writeHead(refusal.status, { ...refusal.headers, "Content-Type": "application/json" });
    return response.end(JSON.stringify(refusal.body));
  }
  next();
};

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
      const told = isRefusal ? await answer.json() : await answer.body?.cancel();
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
