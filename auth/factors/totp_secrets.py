"""TOTP secrets: encrypted at rest, and matched with a code."""

from models import TotpFactor
from utils.crypto import totp as totp_codes
from utils.crypto.encryption import Encrypted, decrypt, encrypt
from utils.services import Services

PURPOSE = "totp-secret"


def step_of(services: Services, factor: TotpFactor, code: str) -> int | None:
    """Return the time step of this code by the service's clock (ASVS 6.5.8), or None."""
    now, previous = services.clock.now(), services.settings.totp_previous_steps
    return totp_codes.matching_step(secret_of(services, factor), code, now, previous=previous)


def encrypted(services: Services, user_id: int, secret: bytes) -> Encrypted:
    """Return the secret encrypted for storage, bound to this account."""
    return encrypt(services.config["SECRET_KEY"], PURPOSE, secret, bound_to=owner_bytes(user_id))


def secret_of(services: Services, factor: TotpFactor) -> bytes:
    """Return the secret of an authenticator app. Raises `DecryptionFailed` if its key is gone."""
    return decrypted(services, factor.user_id, Encrypted(factor.sealed_secret, factor.key_id))


def decrypted(services: Services, user_id: int, text: Encrypted) -> bytes:
    """Decrypt with the present key or a previous one. Raises `DecryptionFailed`."""
    keys = (services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys)
    return decrypt(keys, PURPOSE, text, bound_to=owner_bytes(user_id))


def owner_bytes(user_id: int) -> bytes:
    return user_id.to_bytes(8, "big")
