/** The guard for services in Node.js. */

/** The account that calls. Store the id; the name can change, and is for display. */
export interface Caller {
  userId: number;
  username: string;
}

/** The call is refused: 401 without a valid token, 403 without a permission, 503 without an answer of the service. */
export class Refusal extends Error {
  constructor(status: number, body: Refusal["body"], challenge?: string);
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: { code: string; message: string; [more: string]: unknown };
}

export interface GuardOptions {
  /** Milliseconds for the whole answer of the service; 5000 by default. */
  timeout?: number;
  /** Allow http:// to a host that is not loopback, for an encrypted private network. */
  allowPlainHttp?: boolean;
}

/** Middleware of Express, Connect and alike. The caller is `request.caller` afterwards. */
export type Middleware = (
  request: { headers: { authorization?: string | undefined }; caller?: Caller },
  response: { writeHead(status: number, headers: Record<string, string>): unknown; end(body: string): unknown },
  next: (error?: unknown) => void,
) => Promise<unknown>;

export interface Guard {
  /** Resolve to the owner of a token with these permissions; without a permission, of any valid token. */
  check(authorization: string | undefined, ...permissions: string[]): Promise<Caller>;
  /** Require all these permissions. Throws a `TypeError` without one, or for a malformed one. */
  requires(...permissions: [string, ...string[]]): Middleware;
  /** Require a valid token. */
  signedIn: Middleware;
}

/** Return a guard that asks the service at `url`. Throws a `TypeError` for plain http to a host that is not loopback. */
export function createGuard(url: string, options?: GuardOptions): Guard;

declare global {
  namespace Express {
    interface Request {
      caller?: Caller;
    }
  }
}
