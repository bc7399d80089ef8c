/** The client of the authentication service. Bodies and answers have the names of the API. */

export interface User {
  id: number;
  username: string;
  email: string;
  email_verified: boolean;
  created_at: string;
  two_factor_enabled: boolean;
  locale: string | null;
}

export interface Me {
  user: User;
  second_factor_setup_required: boolean;
  two_factor_since: string | null;
  recovery_codes_left: number;
  factors_reset_at: string | null;
  has_password: boolean;
  roles: string[];
  permissions: string[];
  auth_time: string | null;
}

export interface Session {
  id: string;
  current: boolean;
  remembered: boolean;
  created_at: string;
  last_used_at: string;
  ip_address: string | null;
  browser: string | null;
  system: string | null;
  apps: string[];
}

export interface Registered {
  message: string;
  /** Absent with HIDE_ACCOUNT_EXISTENCE. */
  user?: User;
}

export interface LoggedIn {
  message: string;
  token_type: string;
  /** Seconds that the access token is valid. */
  expires_in: number;
  user: User;
  /** True if nothing but the set-up of a second factor is open. */
  second_factor_setup_required?: boolean;
}

/** A passkey as JSON, binary fields in base64url: what `showPasskey` and `makePasskey` resolve to. */
export interface PasskeyJSON {
  id: string;
  rawId: string;
  type: string;
  response: Record<string, string>;
}

export interface Registration {
  /** Absent: the service makes one from the address. */
  username?: string;
  email: string;
  password: string;
  terms_accepted?: boolean;
  challenge_response?: string;
  /** With cookie delivery: where to go on after `confirm` in this browser. */
  next?: string;
}

export interface Confirmation {
  /** Of the link. */
  token: string;
  /** Not needed with cookie delivery within an hour of the sign-up, in the same browser. */
  password?: string;
}

/** The members of `LoggedIn` are absent for a link to a new address, which does not log in. */
export interface Confirmed extends Partial<LoggedIn> {
  message: string;
  /** What `register` was given, if the service may lead there. */
  next?: string;
}

export type Credentials = { password: string; remember?: boolean } & (
  | { username: string; email?: undefined }
  | { email: string; username?: undefined }
);

/** One of them; `passkey: true` asks the browser for a passkey. */
export type Factor =
  | { code: string; recovery_code?: undefined; passkey?: undefined }
  | { recovery_code: string; code?: undefined; passkey?: undefined }
  | { passkey: true | PasskeyJSON; code?: undefined; recovery_code?: undefined };

export type SecondStep = Factor & {
  trust_device?: boolean;
  /** As at the first step, if that was on another page. */
  remember?: boolean;
};

export type Proof =
  | { password: string; code?: undefined; passkey?: undefined }
  | { code: string; password?: undefined; passkey?: undefined }
  | { passkey: true | PasskeyJSON; password?: undefined; code?: undefined };

export interface PasskeyLogin {
  /** A function is called when the person has chosen the passkey. */
  remember?: boolean | (() => boolean);
  /** "conditional": from the autofill of a field. */
  mediation?: "conditional";
  signal?: AbortSignal;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** The challenge of a 429 `challenge_required`. */
export interface Challenge {
  kind: string;
  [member: string]: unknown;
}

/** Keeps the refresh token and the device token of body delivery, by name. */
export interface Store {
  get(name: string): string | null | Promise<string | null>;
  set(name: string, value: string): void | Promise<void>;
  remove(name: string): void | Promise<void>;
}

export interface ClientOptions {
  /** "cookie" is the default if `url` is of the page's own origin, "body" otherwise. */
  delivery?: "cookie" | "body";
  /** For body delivery. Default: the memory, so that a reload ends the login. */
  store?: Store;
  /** Origins besides the page's and the service's that `fetch` may send the access token to. */
  origins?: string[];
  /** Resolves to the `challenge_response`, or null. */
  solve?(challenge: Challenge, signal?: AbortSignal): Promise<string | null>;
  /** Of the messages (BCP 47, such as "de"), read at each call if it is a function. Default: the browser's. */
  language?: string | (() => string);
}

/**
 * "expired": the session ended, elsewhere or by its lifetime. "logged_out": by `logout`, in any tab.
 * "other_account": another tab logged in to another account. Reload the page: until then calls are refused.
 */
export type SignedOutReason = "expired" | "logged_out" | "other_account";

/** Every method that calls the service rejects with `AuthError`. */
export interface Client {
  register(given: Registration): Promise<Registered>;
  /** Confirm the address of a sign-up with the mailed link, and log in. */
  confirm(given: Confirmation): Promise<Confirmed>;
  /** With a second factor it rejects with `second_factor_required`; `data.methods` says what the account can give. */
  login(given: Credentials): Promise<LoggedIn>;
  /** Complete the login that waits for its second factor. */
  secondFactor(given: SecondStep): Promise<LoggedIn>;
  /** Log in with a passkey alone. `passkey_cancelled`: the person gave none. */
  passkey(options?: PasskeyLogin): Promise<LoggedIn>;
  /** Get a new access token: once for all callers, and once for all tabs. Seldom needed: calls do it. */
  refresh(): Promise<void>;
  /** Whether there is a session. Asks the service only if there may be one. */
  isSignedIn(): Promise<boolean>;
  me(): Promise<Me>;
  /** Whether the latest `me()` named this permission. To hide a button: only the service decides. */
  can(permission: string): boolean;
  sessions(): Promise<Session[]>;
  /** Prove again who is there, for 403 `reauth_required`; then repeat the call. */
  reauth(proof: Proof, options?: CallOptions): Promise<void>;
  /** End the session, in all tabs. */
  logout(): Promise<void>;
  /**
   * `fetch` with the access token, and once more with a new one after a 401. The body is kept for that. For the
   * page's own origin, the service's and `origins`; other origins are a `TypeError`. Without a session it rejects
   * with `session_ended`.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Call the JSON API without a token, such as `POST /auth/password/forgot`. */
  call<T = Record<string, unknown>>(method: string, path: string, body?: object, options?: CallOptions): Promise<T>;
  /** Call the JSON API as the logged-in user. */
  callSignedIn<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: object,
    options?: CallOptions,
  ): Promise<T>;
  /** Forget the session in all tabs, after another call ended it. Listeners of this tab are not called. */
  forget(): Promise<void>;
  /** Look in all tabs whether the session still exists, after a call that may have ended it. */
  recheck(): Promise<boolean>;
  /** Call `listener` when the session has ended. Returns a function that stops it. */
  onSignedOut(listener: (reason: SignedOutReason) => void): () => void;
}

export declare class AuthError extends Error {
  constructor(
    code: string,
    more?: { status?: number; data?: Record<string, unknown>; retryAfter?: number; requestId?: string },
  );
  /** A code of the service, or `network`, `aborted`, `session_ended`, `other_account`, `passkey_cancelled`, `unexpected`. */
  readonly code: string;
  /** By name of a faulty field, what is wrong with it. */
  readonly fields: Record<string, string>;
  /** The status of HTTP; 0 without an answer. */
  readonly status: number;
  /** Seconds to wait; 0 if the service named none. */
  readonly retryAfter: number;
  readonly requestId: string;
  /** The whole answer, such as `methods` of `second_factor_required` and `by_factor` of `reauth_required`. */
  readonly data: Record<string, unknown>;
}

/** Return a client of the service at `url`. Raises `TypeError` for cookie delivery from another origin. */
export declare function createClient(url: string | URL, options?: ClientOptions): Client;

/** Whether this browser supports passkeys. */
export declare function hasPasskeys(): boolean;

/** Whether the browser offers passkeys in the autofill of a field. */
export declare function offersInField(): Promise<boolean>;

/** Create a passkey by the `public_key` of `POST /auth/passkeys/options`; null if the person cancelled. */
export declare function makePasskey(options: object): Promise<PasskeyJSON | null>;

/** Ask the browser for a passkey by the options of a call; null if the person cancelled. */
export declare function showPasskey(
  options: object,
  more?: { mediation?: "conditional"; signal?: AbortSignal },
): Promise<PasskeyJSON | null>;
