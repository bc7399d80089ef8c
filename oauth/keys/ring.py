"""The key ring of a process: `Services.signer`.

It reads the keys again when what it read is five seconds old: a few rows, by one statement for all calls of a
process in that time. So a key that leaked signs and verifies for five seconds at most in other processes, and
a key of another machine is known as soon.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from oauth.keys import lifecycle, making, sealing
from oauth.keys.errors import NoSigningKey
from oauth.stores import clients, signing_keys
from oauth.stores.signing_keys import Key
from utils.crypto import jws
from utils.crypto.claims import CLOCK_LEEWAY, numeric_date
from utils.services import Services

log = logging.getLogger("auth")

READ_EVERY = timedelta(seconds=5)
CLIENTS_KNOWN_FOR = timedelta(minutes=1)  # that a client is registered
NO_CLIENTS_KNOWN_FOR = timedelta(seconds=1)  # that none is
_UNCOMMITTED = "signing_keys_made"  # in the info of a session that made keys: another one may not see them
_REQUIRED = ("iss", "iat", "exp")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The keys as they were read."""

    read_at: datetime
    keys: Mapping[str, Key]
    public: Mapping[str, jws.VerificationKey]


class KeyRing:
    """Signs and verifies the tokens for clients. Implements `utils.services.TokenSigner`."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None
        self._private: dict[str, jws.PrivateKey] = {}  # by kid; loading one takes a decryption
        self._first: dict[str, jws.PrivateKey] = {}  # by algorithm, until a first pair is stored
        self._lock = Lock()
        self._clients: tuple[bool, datetime] | None = None  # whether one was seen, and when

    def sign(self, services: Services, alg: str, typ: str, claims: Mapping[str, Any]) -> str:
        """Return a JWT by the present key of this algorithm, with `iss`. Raises `NoSigningKey`.

        The very first keys are stored in the caller's transaction, who commits.
        """
        found = self._read(services)
        if not any(key.alg == alg for key in found.keys.values()):
            found = self._with_first(services)
        for key in lifecycle.signing_order(found.keys.values(), alg, services.clock.now()):
            if private := self._private_key(services, key):
                return jws.sign(private, alg, key.kid, typ, {"iss": services.settings.public_url, **claims})
        log.warning("no signing key can be decrypted: see FLASK_PREVIOUS_SECRET_KEYS")
        raise NoSigningKey

    def read(
        self, services: Services, token: str, typ: str, *, allow_expired: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the claims of a token of this type that this service signed, else None.

        The caller compares the audience. With `allow_expired` it is accepted as long as its key is published.
        """
        kid = jws.kid_of(token)
        if kid is None:
            return None
        found, now = self._read(services), services.clock.now()
        if kid not in found.keys or not lifecycle.is_published(found.keys[kid], now):
            return None
        claims = jws.verify(found.public, token, typ)
        if claims is None or not _is_timely(claims, now, allow_expired=allow_expired):
            return None
        return claims if claims["iss"] == services.settings.public_url else None

    def published(self, services: Services) -> Sequence[Mapping[str, Any]]:
        """Return the public keys, of both algorithms, as JWKs (RFC 7517).

        The very first keys are stored in the caller's transaction, who commits.
        """
        found, now = self._read(services), services.clock.now()
        if not found.keys:
            found = self._with_first(services)
        return [key.public_jwk for key in found.keys.values() if lifecycle.is_published(key, now)]

    def has_clients(self, services: Services) -> bool:
        """Whether a client is registered. Asks the database once a minute, or once a second if none is."""
        now = services.clock.now()
        if self._clients is not None:
            has_any, at = self._clients
            known_for = CLIENTS_KNOWN_FOR if has_any else NO_CLIENTS_KNOWN_FOR
            if timedelta(0) <= now - at < known_for:
                return has_any
        has_any = clients.any_registered(services.reads)
        self._clients = has_any, now
        return has_any

    def forget_clients(self) -> None:
        """Let the next `has_clients` ask the database: this process has registered a client."""
        self._clients = None

    def _read(self, services: Services) -> _Loaded:
        """Return the keys, read again if that is due."""
        loaded, now = self._loaded, services.clock.now()
        if loaded is not None and loaded.keys and timedelta(0) <= now - loaded.read_at < READ_EVERY:
            return loaded
        tx = services.tx()
        read = self._from_database(tx, now)
        if _UNCOMMITTED not in tx.info:
            self._loaded = read
            if read.keys:
                self._first = {}
            self._private = {kid: key for kid, key in self._private.items() if kid in read.keys}
        return read

    def _from_database(self, tx: Session, now: datetime) -> _Loaded:
        keys = {key.kid: key for key in signing_keys.every(tx)}
        known = self._loaded.public if self._loaded else {}
        public = {kid: known.get(kid) or jws.verification_key(key.public_jwk) for kid, key in keys.items()}
        return _Loaded(now, keys, public)

    def _with_first(self, services: Services) -> _Loaded:
        """Store the first key of each algorithm, unless there is one; return the keys.

        They are not kept in memory: the transaction may be rolled back.
        """
        tx, now = services.tx(), services.clock.now()
        for alg in jws.ALGORITHMS:
            making.add_first(services, tx, self._first_private(services, alg), now)
        tx.info[_UNCOMMITTED] = True
        return self._from_database(tx, now)

    def _first_private(self, services: Services, alg: str) -> jws.PrivateKey:
        """Return a new private key, the same for all threads. The lock is not held during a statement."""
        with self._lock:
            if alg not in self._first:
                self._first[alg] = services.make_signing_key(alg)
            return self._first[alg]

    def _private_key(self, services: Services, key: Key) -> jws.PrivateKey | None:
        found = self._private.get(key.kid) or sealing.private_key(services, key)
        if found is not None:
            self._private[key.kid] = found
        return found


def _is_timely(claims: Mapping[str, Any], now: datetime, *, allow_expired: bool) -> bool:
    """Whether the claims are complete, not from the future, and not expired or allowed to be."""
    if any(name not in claims for name in _REQUIRED):
        return False
    try:
        issued, begins, expires = (numeric_date(claims.get(name, 0)) for name in ("iat", "nbf", "exp"))
    except ValueError:
        return False
    if not 0 <= issued <= now.timestamp() + CLOCK_LEEWAY or begins > now.timestamp() + CLOCK_LEEWAY:
        return False
    return allow_expired or expires > now.timestamp()
