"""Signing keys at rest: the private part is encrypted under a key derived from `FLASK_SECRET_KEY`.

Neither a copy of the database nor the environment alone signs tokens.
"""

from sqlalchemy.orm import Session

from oauth.stores import signing_keys
from oauth.stores.signing_keys import Key
from utils.crypto import jws
from utils.crypto.encryption import DecryptionFailed, Encrypted, decrypt, encrypt
from utils.crypto.keys import key_id
from utils.crypto.signed_ids import secret_keys
from utils.services import Services

PURPOSE = "signing-key"


def encrypted(services: Services, kid: str, private: bytes) -> Encrypted:
    """Return the private part of this key, encrypted."""
    return encrypt(secret_keys(services)[0], PURPOSE, private, bound_to=kid.encode())


def decrypted(services: Services, kid: str, sealed: Encrypted) -> bytes:
    """Return the private part. Raises `DecryptionFailed`."""
    return decrypt(secret_keys(services), PURPOSE, sealed, bound_to=kid.encode())


def private_key(services: Services, key: Key) -> jws.PrivateKey | None:
    """Return the private key of a row, or None if it was erased or cannot be decrypted."""
    sealed = key.encrypted
    if sealed is None:
        return None
    try:
        return jws.from_bytes(decrypted(services, key.kid, sealed))
    except DecryptionFailed:
        return None


def rotate(services: Services, tx: Session) -> tuple[int, int]:
    """Encrypt private parts under the present secret; return how many, and how many cannot be decrypted.

    The caller commits.
    """
    done = lost = 0
    present = key_id(secret_keys(services)[0])
    for key in signing_keys.every(tx):
        old = key.encrypted
        if old is None or old.key_id == present:
            continue
        try:
            private = decrypted(services, key.kid, old)
        except DecryptionFailed:
            lost += 1
            continue
        done += signing_keys.replace_private(tx, key.kid, old, encrypted(services, key.kid, private))
    return done, lost
