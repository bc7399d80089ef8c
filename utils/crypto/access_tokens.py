"""Access tokens: HS256 JWTs, made and read in exactly one way (RFC 7519, RFC 8725, RFC 9068's `typ`).

Only the signature and the claims are looked at here; whether the session still lives
is the database's word (`Services.admit`).
"""

import math
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import jwt

from utils.crypto.keys import key_id
from utils.services import Claims, Services

ALGORITHM = "HS256"
TYPE = "at+jwt"
MAX_LENGTH = 2048
CLOCK_LEEWAY = 30  # seconds that an `iat` may lie ahead: the clocks of two machines differ
MAX_USER_ID = 2**31 - 1  # what the key's column holds; Postgres fails on a larger number
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
REMEMBERED = 4096  # tokens of each process, of about 2 kB
REQUIRED = ("iss", "aud", "sub", "jti", "iat", "exp")
# The scope of a token that admits only to the views with `allow_enrollment`. A scope is part of the audience:
# services that verify tokens themselves compare the audience, and so refuse a restricted token.
ENROLLMENT = "setup"


@lru_cache(maxsize=16)
def _keyring(*keys: str) -> Mapping[str, str]:
    return {key_id(key): key for key in reversed(keys)}


def sign(
    services: Services, user_id: int, session_id: UUID | None, now: datetime, *, scope: str | None = None
) -> str:
    """A token for this user, and this session if any, that lives `JWT_ACCESS_TOKEN_EXPIRES` seconds.

    With a `scope` it admits only to the views that allow this scope.
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
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key_id(key)})


def lifetime(services: Services) -> int:
    """Seconds that a new token lives."""
    return int(services.config["JWT_ACCESS_TOKEN_EXPIRES"])


def read(services: Services, token: object, *, expired_too: bool = False) -> Claims | None:
    """The claims of a token that this service signed and that has not expired; None for all others."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH:
        return None
    settings = services.settings
    keys = (services.config["JWT_SECRET_KEY"], *settings.jwt_previous_secret_keys)
    try:
        claims = _of_either_audience(token, keys, settings.jwt_issuer, settings.jwt_audience)
        now, audience = services.clock.now().timestamp(), settings.jwt_audience
        return _checked(claims, now, audience, expired_too=expired_too)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def _of_either_audience(token: str, keys: tuple[str, ...], issuer: str, audience: str) -> Mapping[str, Any]:
    try:
        return _genuine(token, keys, issuer, audience)
    except jwt.InvalidAudienceError:
        return _genuine(token, keys, issuer, f"{audience}/{ENROLLMENT}")


@lru_cache(maxsize=REMEMBERED)
def _genuine(token: str, keys: tuple[str, ...], issuer: str, audience: str) -> Mapping[str, Any]:
    """The claims of a token that one of these keys signed. Raises what PyJWT does, or `ValueError`.

    What comes of it is remembered, by the whole token and the keys: most calls bring a token that was
    looked at before, and PyJWT takes as long as the database does. A refusal is not remembered, so
    that forgeries cannot fill the memory; times and the session are checked on every call.
    """
    if not COMPACT.fullmatch(token):
        raise ValueError("not in the compact form")
    ring = _keyring(*keys)
    header = jwt.get_unverified_header(token)
    if header.get("typ") != TYPE or header.get("kid") not in ring:
        raise ValueError("not an access token, or of no key of ours")
    return MappingProxyType(
        jwt.decode(
            token,
            ring[header["kid"]],
            algorithms=[ALGORITHM],
            issuer=issuer,
            audience=audience,
            options={
                "require": list(REQUIRED),
                "strict_aud": True,
                # Times are compared below, with the service's own clock.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    )


def _checked(claims: Mapping[str, Any], now: float, audience: str, *, expired_too: bool) -> Claims | None:
    issued, expires, not_before = (_seconds(claims.get(name, 0)) for name in ("iat", "exp", "nbf"))
    if not 0 <= issued <= now + CLOCK_LEEWAY or not_before > now + CLOCK_LEEWAY:
        return None
    if expires <= now and not expired_too:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,9}", claims["sub"]) or int(claims["sub"]) > MAX_USER_ID:
        return None
    return Claims(
        user_id=int(claims["sub"]),
        session_id=UUID(str(claims["sid"])) if "sid" in claims else None,
        issued_at=datetime.fromtimestamp(issued, UTC),
        scope=None if claims["aud"] == audience else ENROLLMENT,
    )


def _seconds(value: object) -> float:
    """A NumericDate (RFC 7519, 2). Raises `ValueError` for what is none: text, true, NaN, infinity."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("not a NumericDate")
    return float(value)
