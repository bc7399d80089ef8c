"""The keys of projects whose hashes were imported: each is encrypted in one row, and hashes name it."""

import logging
import secrets

from sqlalchemy.orm import Session

from auth.stores import foreign_hash_keys
from utils.crypto.encryption import DecryptionFailed, Encrypted, decrypt, encrypt
from utils.crypto.keys import key_id as encryption_key_id
from utils.passwords.project_keys import ProjectKey, from_bytes, to_bytes
from utils.services import Services

log = logging.getLogger("auth")

PURPOSE = "foreign-hash-key"


def find(services: Services, key_id: str) -> ProjectKey | None:
    """Return the key of this id, or None if it is missing or cannot be decrypted."""
    stored = foreign_hash_keys.by_id(services.reads, key_id)
    if stored is None:
        return None
    try:
        return from_bytes(_decrypted(services, key_id, stored))
    except DecryptionFailed:
        log.warning("the key of imported password hashes is gone: see FLASK_PREVIOUS_SECRET_KEYS")
        return None


def identify(services: Services, key: ProjectKey) -> str:
    """Return the id of the stored key that equals this one, or a new id. Stores nothing."""
    for key_id, stored in foreign_hash_keys.every(services.tx()):
        try:
            if _decrypted(services, key_id, stored) == to_bytes(key):
                return key_id
        except DecryptionFailed:
            continue
    return secrets.token_hex(6)


def store(services: Services, tx: Session, key_id: str, key: ProjectKey) -> None:
    """Store the key under this id, unless it is there.

    In the transaction of the accounts whose hashes name it: a key that no hash names may be removed.
    """
    foreign_hash_keys.add(tx, key_id, _encrypted(services, key_id, to_bytes(key)), services.clock.now())


def rotate(services: Services, tx: Session) -> tuple[int, int]:
    """Encrypt the keys with the present master secret; return how many, and how many cannot be decrypted.

    The caller commits.
    """
    done = lost = 0
    for key_id, old in foreign_hash_keys.every(tx):
        if old.key_id == encryption_key_id(services.config["SECRET_KEY"]):
            continue
        try:
            secret = _decrypted(services, key_id, old)
        except DecryptionFailed:
            lost += 1
            continue
        done += foreign_hash_keys.replace(tx, key_id, old, _encrypted(services, key_id, secret))
    return done, lost


def _encrypted(services: Services, key_id: str, secret: bytes) -> Encrypted:
    return encrypt(services.config["SECRET_KEY"], PURPOSE, secret, bound_to=key_id.encode())


def _decrypted(services: Services, key_id: str, stored: Encrypted) -> bytes:
    keys = (services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys)
    return decrypt(keys, PURPOSE, stored, bound_to=key_id.encode())
