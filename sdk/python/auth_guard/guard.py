"""The guard: who a caller is, and whether they have permissions, as the service says now."""

import hashlib
import json
import re
import secrets
import time
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import unquote

from auth_guard.connections import NONCE, Connections

MAX_ASKED, MAX_REMEMBERED = 20, 4096
_PERMISSION = re.compile(r"[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}")
_ID, _NAME = re.compile(r"[1-9][0-9]{0,9}"), re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BEARER = re.compile(r"[ \t]*bearer +([!-~]{1,4096})[ \t]*", re.IGNORECASE)
_MALFORMED = {"code": "token_malformed", "message": 'Malformed Authorization header. Use "Bearer <token>"'}


class Refusal(Exception):
    """The call is refused. Answer with `status`, `headers`, and `body` as JSON. The text is safe to log."""

    status, code, message = 503, "unavailable", "Permissions cannot be checked now. Try again later."

    def __init__(self, reason: str = "", body: Any = None, challenge: str = "") -> None:
        self.body: dict[str, Any] = body or {"code": self.code, "message": self.message}
        self.headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": challenge} if challenge else {})
        super().__init__(reason or self.code)


class Unauthorized(Refusal):
    """There is no token, or none that is valid now (RFC 6750, 3)."""

    status, code, message = 401, "token_missing", "Authorization token is missing!"


class Forbidden(Refusal):
    """The token is valid, and its owner may not do this now."""

    status, code, message = 403, "permission_missing", "You may not do this: a permission is missing."


class Unavailable(Refusal):
    """The service did not answer, or not in a known way."""


class Caller(NamedTuple):
    """The account that calls. Store the id; the name can change, and is for display."""

    user_id: int
    username: str


class Guard:
    """Asks the service who a caller is, and what they may do. Safe for threads and for `fork`."""

    def __init__(
        self, url: str, cache_seconds: float = 0, *, timeout: float = 5, allow_plain_http: bool = False
    ) -> None:
        """`url` is that of the service. Raises `ValueError` for plain http to a host that is not loopback.

        A yes is remembered for `cache_seconds` (0 to 30). `timeout` is in seconds, at most 60.
        """
        if not (0 <= cache_seconds <= 30 and 0 < timeout <= 60):
            raise ValueError("cache_seconds is 0 to 30, and timeout more than 0 and at most 60")
        self._cache_seconds, self._yes = cache_seconds, dict[bytes, tuple[float, Caller]]()
        self._connections = Connections(url, timeout, allow_plain_http=allow_plain_http)

    def check(self, authorization: str | None, *permissions: str) -> Caller:
        """Return the owner of the token in an Authorization header, if they have all these permissions now.

        Without a permission any valid token is enough. Raises a `Refusal`, or `ValueError` as `checked` does.
        """
        query = "&".join(f"permission={each}" for each in checked(permissions))
        token = bearer_token(authorization)
        asked_at, key = time.monotonic(), hashlib.sha256(f"{token} {query}".encode()).digest()
        ends_at, known = self._yes.get(key, (0.0, None))
        if known and asked_at < ends_at:
            return known
        caller = self._ask(f"/auth/verify?{query}" if query else "/auth/verify", token)
        if self._cache_seconds:
            if len(self._yes) >= MAX_REMEMBERED:
                self._yes.clear()
            self._yes[key] = asked_at + self._cache_seconds, caller
        return caller

    def close(self) -> None:
        """Close the connections, and forget what is remembered."""
        self._connections.close()
        self._yes.clear()

    def _ask(self, path: str, token: str) -> Caller:
        headers = {"Authorization": f"Bearer {token}", NONCE: secrets.token_hex(16)}
        try:
            answer, body = self._connections.ask("GET", path, headers)
            told = json.loads(body) if answer.status in {401, 403} else None
        except (OSError, HTTPException, ValueError, RecursionError) as problem:
            raise Unavailable(type(problem).__name__) from None
        if answer.status == 204:
            ids, names = (answer.headers.get_all(name, []) for name in ("X-Auth-User-Id", "X-Auth-Username"))
            if len(ids) == len(names) == 1 and _ID.fullmatch(ids[0]) and _NAME.fullmatch(unquote(names[0])):
                return Caller(int(ids[0]), unquote(names[0]))
        challenge = " ".join(answer.headers.get("WWW-Authenticate", "").split())
        if not isinstance(told, dict) or not re.fullmatch(r"[ -~]*", challenge):
            raise Unavailable(f"status {answer.status}")
        raise (Unauthorized if answer.status == 401 else Forbidden)(body=told, challenge=challenge)


def bearer_token(authorization: str | None) -> str:
    """Return the token of an Authorization header. Raises `Unauthorized`."""
    bearer = _BEARER.fullmatch(authorization or "")
    if not bearer:
        told = (_MALFORMED, 'Bearer error="invalid_request"') if authorization else (None, "Bearer")
        raise Unauthorized("", *told)
    return bearer[1]


def checked(permissions: tuple[str, ...], at_least: int = 0) -> tuple[str, ...]:
    """Return the permissions. Raises `ValueError` for a malformed one, too few, or more than 20."""
    if not at_least <= len(permissions) <= MAX_ASKED or not all(map(_PERMISSION.fullmatch, permissions)):
        raise ValueError(f"name {at_least} to {MAX_ASKED} permissions of the form thing:verb")
    return permissions
