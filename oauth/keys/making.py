"""New signing keys, as rows. Nothing here commits."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from oauth.keys import sealing
from oauth.keys.lifecycle import KEPT_PUBLISHED
from oauth.stores import signing_keys
from oauth.stores.signing_keys import FIRST, Key
from utils.crypto import jws
from utils.services import Services


def add_first(services: Services, tx: Session, private: jws.PrivateKey, now: datetime) -> bool:
    """Store the first key of an algorithm, which signs at once; False if there is one."""
    return add(services, tx, private, FIRST, now, signs_from=now)


def add(
    services: Services,
    tx: Session,
    private: jws.PrivateKey,
    predecessor: str,
    now: datetime,
    *,
    signs_from: datetime,
) -> bool:
    """Store a key that signs from then on; False if its predecessor was replaced meanwhile."""
    jwk = jws.public_jwk(private)
    sealed = sealing.encrypted(services, jwk["kid"], jws.to_bytes(private))
    until = signs_from + timedelta(seconds=services.settings.signing_key_lifetime)
    key = Key(
        kid=jwk["kid"],
        alg=jwk["alg"],
        public_jwk=jwk,
        sealed_private=sealed.text,
        key_id=sealed.key_id,
        predecessor=predecessor,
        created_at=now,
        signs_from=signs_from,
        signs_until=until,
        published_until=until + KEPT_PUBLISHED,
        leaked_at=None,
    )
    return signing_keys.add(tx, key)
