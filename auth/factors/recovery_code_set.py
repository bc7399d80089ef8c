"""A set of recovery codes: ten of 120 random bits, stored as digests, each usable once."""

import base64
import hashlib
import secrets

from sqlalchemy.orm import Session

from auth.factors import totp_secrets
from auth.stores import (
    recovery_codes,
)
from utils.services import Services

CODES = 10  # recovery codes in a set
_CODE_BYTES = 15  # 120 random bits: 24 characters of base32


def digest_of(user_id: int, recovery_code: str) -> bytes:
    """Return the stored digest of a recovery code; a plain digest suffices for 120 random bits (ASVS 6.5.2).

    Accepts any case, spaces and hyphens, and 0, 1, 8 for O, I, B.
    """
    kept = "".join(char for char in recovery_code.upper() if char.isalnum())
    text = kept.translate(str.maketrans("018", "OIB"))
    return hashlib.sha256(b"recovery-code:" + totp_secrets.owner_bytes(user_id) + text.encode()).digest()


def new_codes(services: Services, tx: Session, user_id: int) -> list[str]:
    """Replace the account's recovery codes and return the new ones. They cannot be read again."""
    found = [_shown(secrets.token_bytes(_CODE_BYTES)) for _ in range(CODES)]
    digests = [digest_of(user_id, code) for code in found]
    recovery_codes.replace(tx, user_id, digests, services.clock.now())
    return found


def _shown(code: bytes) -> str:
    text = base64.b32encode(code).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
