"""Access tokens: HS256 JWTs with the `typ` of RFC 9068 (RFC 7519, RFC 8725).

This module checks the signature and the claims. `Services.admit` checks in the database that the session has
not ended.
"""

import json
import math
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import jwt
from jwt.utils import base64url_decode

from utils.crypto.claims import CLOCK_LEEWAY, COMPACT, numeric_date
from utils.crypto.keys import key_id
from utils.services import Claims, Services

ALGORITHM = "HS256"
TYPE = "at+jwt"
MAX_LENGTH = 2048
MAX_USER_ID = 2**31 - 1  # the range of the column; Postgres raises an error beyond it
CACHED_TOKENS = 4096  # per process, about 2 kB each
REQUIRED_CLAIMS = ("iss", "aud", "sub", "jti", "iat", "exp")
# The scope of tokens that are restricted to views with `allow_enrollment`. The scope is part of the audience:
# services that verify tokens themselves compare the audience, and therefore refuse restricted tokens.
ENROLLMENT = "setup"


@lru_cache(maxsize=16)
def _keyring(*keys: str) -> Mapping[str, str]:
    return {key_id(key): key for key in reversed(keys)}


def sign(
    services: Services,
    user_id: int,
    session_id: UUID | None,
    now: datetime,
    *,
    auth_time: datetime | None = None,
    scope: str | None = None,
) -> str:
    """Return a token of this user and session that expires after `JWT_ACCESS_TOKEN_EXPIRES` seconds.

    It is void when the session is authenticated at another time than `auth_time`. With a `scope` it is
    restricted to the views that accept this scope.
    """
    key, settings = services.config["JWT_SECRET_KEY"], services.settings
    claims: dict[str, Any] = {
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience + (f"/{scope}" if scope else ""),
        "sub": str(user_id),
        "jti": secrets.token_urlsafe(16),
        "iat": now.timestamp(),
        "exp": math.floor(now.timestamp()) + lifetime(services),
    }
    if session_id is not None:
        claims["sid"] = str(session_id)
    if auth_time is not None:
        claims["auth_time"] = auth_time.timestamp()
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key_id(key)})


def lifetime(services: Services) -> int:
    """Return the lifetime of a new token in seconds."""
    return int(services.config["JWT_ACCESS_TOKEN_EXPIRES"])


def read(services: Services, token: object, *, allow_expired: bool = False) -> Claims | None:
    """Return the claims of a valid token, else None. `allow_expired` accepts expired tokens as well."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH:
        return None
    settings = services.settings
    keys = (services.config["JWT_SECRET_KEY"], *settings.jwt_previous_secret_keys)
    try:
        found = _verified_for_any_audience(token, keys, settings.jwt_issuer, settings.jwt_audience)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return None
    now = services.clock.now().timestamp()
    if not 0 <= found.issued <= now + CLOCK_LEEWAY or found.not_before > now + CLOCK_LEEWAY:
        return None
    return found.claims if found.expires > now or allow_expired else None


class _Verified(NamedTuple):
    """The claims of a token with a valid signature. The times are in seconds since 1970."""

    claims: Claims
    issued: float
    not_before: float
    expires: float


def _verified_for_any_audience(token: str, keys: tuple[str, ...], issuer: str, audience: str) -> _Verified:
    try:
        return _verified(token, keys, issuer, audience, None)
    except jwt.InvalidAudienceError:
        return _verified(token, keys, issuer, f"{audience}/{ENROLLMENT}", ENROLLMENT)


@lru_cache(maxsize=CACHED_TOKENS)
def _verified(token: str, keys: tuple[str, ...], issuer: str, audience: str, scope: str | None) -> _Verified:
    """Return the claims of a token that one of these keys signed. Raises `PyJWTError` or `ValueError`.

    The result is cached by token and keys, since PyJWT takes longer than the database query of a request.
    Errors are not cached, so that forged tokens cannot fill the memory. Times and the session are checked on
    each request.
    """
    if not COMPACT.fullmatch(token):
        raise ValueError("not in the compact form")
    for part in token.split(".")[:2]:
        json.loads(base64url_decode(part), object_pairs_hook=_with_unique_names)
    ring = _keyring(*keys)
    header = jwt.get_unverified_header(token)
    if header.get("typ") != TYPE or header.get("kid") not in ring:
        raise ValueError("not an access token, or an unknown key")
    claims = jwt.decode(
        token,
        ring[header["kid"]],
        algorithms=[ALGORITHM],
        issuer=issuer,
        audience=audience,
        options={
            "require": list(REQUIRED_CLAIMS),
            "strict_aud": True,
            # `read` compares the times with the clock of the service.
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    issued, not_before, expires = (numeric_date(claims.get(name, 0)) for name in ("iat", "nbf", "exp"))
    if not claims["jti"] or not re.fullmatch(r"[1-9][0-9]{0,9}", claims["sub"]):
        raise ValueError("an empty id or not an account")
    if int(claims["sub"]) > MAX_USER_ID:
        raise ValueError("not an account")
    known = Claims(
        user_id=int(claims["sub"]),
        session_id=UUID(str(claims["sid"])) if "sid" in claims else None,
        issued_at=datetime.fromtimestamp(issued, UTC),
        auth_time=numeric_date(claims["auth_time"]) if "auth_time" in claims else None,
        scope=scope,
    )
    return _Verified(known, issued, not_before, expires)


def _with_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict (RFC 7515, 4; RFC 7519, 4). Raises `ValueError` for a repeated name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a repeated name")
    return found
