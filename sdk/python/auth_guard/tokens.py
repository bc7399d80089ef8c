"""Access tokens of applications, verified offline (RFC 9068), and refused within seconds of their end.

Needs `auth_guard[tokens]`: PyJWT with cryptography. `import auth_guard` does not import this module.
"""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from http.client import HTTPException
from threading import Lock
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from jwt.algorithms import ECAlgorithm

from auth_guard.connections import Connections
from auth_guard.feed import Feed
from auth_guard.guard import Forbidden, Unauthorized, Unavailable, bearer_token

FEED_AWAY = 30.0  # seconds without the feed after which offline verification alone is not enough
KEYS_LIVE = 3600.0  # seconds for which published keys are kept
KEYS_AGAIN = 5.0  # seconds between two reads of the keys
LEEWAY = 30  # seconds between two clocks
TYPES = {"at+jwt", "application/at+jwt"}
REQUIRED = ["iss", "sub", "aud", "client_id", "scope", "gid", "iat", "exp"]
LATER = ["verify_exp", "verify_iat", "verify_nbf", "verify_aud"]  # compared by this module, with its clock
_INVALID = {"code": "token_invalid", "message": "The access token is not valid."}
_MISSING = {"code": "scope_missing", "message": "The access token lacks a scope."}


class Token(NamedTuple):
    """A valid access token of an application: whose account, which application, and what it may do."""

    user_id: int
    client_id: str
    scopes: frozenset[str]
    grant_id: str
    claims: Mapping[str, Any]


class TokenVerifier:
    """Verifies access tokens for one resource. Safe for threads."""

    def __init__(
        self,
        url: str,
        resource: str,
        client_id: str,
        client_secret: str,
        *,
        without_feed: Literal["introspect", "refuse"] = "introspect",
        timeout: float = 5,
        allow_plain_http: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` is that of the service, and the `iss` of its tokens; `resource` is their `aud`.

        The id and secret are those that `flask auth resources add` printed. `without_feed` is what happens
        when the service has not answered for 30 seconds: it is asked about each token, or every call is
        refused. Raises `ValueError` as `Guard` does.
        """
        self._issuer, self._resource, self._without_feed = url.rstrip("/"), resource, without_feed
        self._connections = Connections(url, timeout, allow_plain_http=allow_plain_http)
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self._credentials = f"Basic {b64encode(pair.encode()).decode()}"
        self._clock, self._monotonic = clock, monotonic
        self._feed = Feed(self._connections, self._credentials, monotonic)
        self._keys: dict[str, EllipticCurvePublicKey] = {}
        self._keys_at, self._keys_tried = float("-inf"), float("-inf")
        self._keys_lock = Lock()

    def check(self, authorization: str | None, *scopes: str) -> Token:
        """Return the access token of an Authorization header, if it is valid now and has all these scopes.

        Raises `Unauthorized` (401), `Forbidden` (403), or `Unavailable` (503) if it cannot be checked.
        """
        text = bearer_token(authorization)
        token = self._verified(text)
        if self._feed.age() > FEED_AWAY:
            self._ask_service(text)
        if self._feed.has_ended(token.grant_id) or self._feed.has_leaked(_kid(text)):
            raise _invalid()
        if not token.scopes.issuperset(scopes):
            wanted = " ".join(scopes)
            raise Forbidden("", _MISSING, f'Bearer error="insufficient_scope", scope="{wanted}"')
        return token

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _verified(self, text: str) -> Token:
        """Return the token if its signature, type, issuer, audience and times are right."""
        key = self._key(_kid(text))
        options: Any = {"require": REQUIRED, **dict.fromkeys(LATER, False)}
        try:
            claims = jwt.decode(text, key, algorithms=["ES256"], issuer=self._issuer, options=options)
            now, user_id = self._clock(), int(claims["sub"])
            is_timely = claims["iat"] - LEEWAY <= now < claims["exp"]
            scopes = frozenset(claims["scope"].split())
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise _invalid() from None
        if not is_timely or claims["aud"] != self._resource:
            raise _invalid()
        return Token(user_id, str(claims["client_id"]), scopes, str(claims["gid"]), claims)

    def _key(self, kid: str) -> EllipticCurvePublicKey:
        """Return a published key of the service. Reads them each hour, and for one that is not known."""
        if kid not in self._keys or self._monotonic() - self._keys_at > KEYS_LIVE:
            with self._keys_lock:
                self._read_keys(kid)
        if found := self._keys.get(kid):
            return found
        if self._monotonic() - self._keys_at > KEYS_LIVE:
            raise Unavailable("no keys")
        raise _invalid()

    def _read_keys(self, kid: str) -> None:
        now = self._monotonic()
        is_known = kid in self._keys and now - self._keys_at <= KEYS_LIVE
        if is_known or now - self._keys_tried < KEYS_AGAIN:
            return
        self._keys_tried = now
        try:
            answer, body = self._connections.ask("GET", "/oauth/jwks", {})
            keys = json.loads(body)["keys"] if answer.status == 200 else None
        except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
            return  # known keys go on: they were published for longer than an hour
        if isinstance(keys, list):
            self._keys = dict(filter(None, map(_public_key, keys)))
            self._keys_at = now

    def _ask_service(self, text: str) -> None:
        """Introspect (RFC 7662), or refuse, as the service has not said what ended."""
        if self._without_feed == "refuse":
            raise Unavailable("no revocation feed")
        headers = {
            "Authorization": self._credentials,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer, body = self._connections.ask(
                "POST", "/oauth/introspect", headers, urlencode({"token": text})
            )
            told = json.loads(body) if answer.status == 200 else None
        except (OSError, HTTPException, ValueError, RecursionError) as problem:
            raise Unavailable(type(problem).__name__) from None
        if not isinstance(told, dict):
            raise Unavailable(f"status {answer.status}")
        if told.get("active") is not True:
            raise _invalid()


def _kid(text: str) -> str:
    """Return the key id of an access token. The algorithm is that of the key, never the header's."""
    try:
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError:
        raise _invalid() from None
    kid, typ = header.get("kid"), header.get("typ")
    is_right = isinstance(typ, str) and typ.lower() in TYPES and header.get("alg") == "ES256"
    if not is_right or not isinstance(kid, str) or "crit" in header:
        raise _invalid()
    return kid


def _public_key(jwk: Any) -> tuple[str, EllipticCurvePublicKey] | None:
    """Return id and key of a JWK that verifies ES256; None for one of another kind."""
    try:
        if jwk.get("alg") != "ES256" or jwk.get("kty") != "EC":
            return None
        key = ECAlgorithm.from_jwk(jwk)
    except (AttributeError, jwt.InvalidKeyError, ValueError, TypeError):
        return None
    is_right = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    return (str(jwk.get("kid")), key) if is_right else None  # type: ignore[return-value]  # narrowed above


def _invalid() -> Unauthorized:
    return Unauthorized("", _INVALID, 'Bearer error="invalid_token"')
