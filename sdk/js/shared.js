// What the guard and the verifier of access tokens share. Not exported by the package.

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const BEARER = /^[ \t]*bearer +([!-~]{1,4096})[ \t]*$/i;
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

/** Return the URL of a service without a slash at the end. Throws a `TypeError`. */
export function serviceUrl(url, allowPlainHttp) {
  const service = new URL(url);
  const isPlain = service.protocol !== "https:";
  if (isPlain && !(service.protocol === "http:" && (allowPlainHttp || LOOPBACK.test(service.hostname))))
    throw new TypeError("tokens would cross a network unencrypted: use https, or allowPlainHttp");
  if (service.username || service.search || service.hash) throw new TypeError("the URL has no user, query or fragment");
  return service.href.replace(/\/$/, "");
}

/** Return the token of an Authorization header. Throws a `Refusal`. */
export function bearerToken(authorization) {
  const token = BEARER.exec(authorization ?? "")?.[1];
  if (!token && authorization) throw new Refusal(401, MALFORMED, 'Bearer error="invalid_request"');
  if (!token) throw new Refusal(401, MISSING, "Bearer");
  return token;
}

/** Return the refusal of a call that cannot be checked now. */
export const unavailable = () => new Refusal(503, UNAVAILABLE);

/** Return middleware that stores what `check` finds under a name of the request. */
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

/** Return the JSON of an answer. Rejects one of more than `most` bytes, of which it reads no more. */
export async function readJson(answer, most) {
  const parts = [];
  let size = 0;
  for await (const part of answer.body ?? []) {
    size += part.length;
    if (size > most) throw new RangeError("the answer is too long"); // the end of the loop cancels the rest
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString());
}
