/** Access tokens of applications, verified offline by a resource in Node.js. */

import type { Refusal } from "./guard.js";

export type { Refusal };

/** A valid access token of an application: whose account, which application, and what it may do. */
export interface Token {
  userId: number;
  clientId: string;
  scopes: ReadonlySet<string>;
  grantId: string;
  claims: Readonly<Record<string, unknown>>;
}

export interface TokenVerifierOptions {
  /** The URL of the service, and the `iss` of its tokens. */
  url: string;
  /** The identifier of the resource: the `aud` of its tokens. */
  resource: string;
  /** Printed by `flask auth resources add`. */
  clientId: string;
  clientSecret: string;
  /** What happens when the feed was not read for 30 seconds: the service is asked about each token, or every call is refused. */
  withoutFeed?: "introspect" | "refuse";
  /** Milliseconds for one answer of the service; 5000 by default. */
  timeout?: number;
  /** Allow http:// to a host that is not loopback, for an encrypted private network. */
  allowPlainHttp?: boolean;
}

/** Middleware of Express, Connect and alike. The token is `request.token` afterwards. */
export type TokenMiddleware = (
  request: { headers: { authorization?: string | undefined }; token?: Token },
  response: { writeHead(status: number, headers: Record<string, string>): unknown; end(body: string): unknown },
  next: (error?: unknown) => void,
) => Promise<unknown>;

export interface TokenVerifier {
  /** Resolve to the token of an Authorization header, if it is valid now and has these scopes. Rejects with a `Refusal`. */
  check(authorization: string | undefined, ...scopes: string[]): Promise<Token>;
  /** Require a valid token with all these scopes. */
  requires(...scopes: string[]): TokenMiddleware;
}

/** Return a verifier. Throws a `TypeError` for a missing option, or plain http to a host that is not loopback. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier;

declare global {
  namespace Express {
    interface Request {
      token?: Token;
    }
  }
}
