"""Signed ids: tokens that are an id and its MAC in base64url, under a key derived from `FLASK_SECRET_KEY`.

Previous keys verify.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from utils.crypto.keys import derive_key, mac, verify_mac
from utils.services import Services

MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs ids for one purpose: base64url of id and HMAC-SHA-256 over prefix, id and `parts`.

    `head` is the length of the id in bytes. With the MAC it is a multiple of three: there is no padding.
    """

    label: str  # of the derived key
    prefix: bytes
    head: int = 16

    def text(self, services: Services, head: bytes, *parts: bytes) -> str:
        return base64.urlsafe_b64encode(self.raw(services, head, *parts)).decode()

    def raw(self, services: Services, head: bytes, *parts: bytes) -> bytes:
        key = derive_key(secret_keys(services)[0], self.label)
        return head + mac(key, self.prefix, *parts)

    def is_genuine(self, services: Services, given: bytes, *parts: bytes) -> bool:
        """Whether a present or previous key made this MAC. Compares in constant time."""
        return verify_mac(
            given, (derive_key(key, self.label) for key in secret_keys(services)), self.prefix, *parts
        )

    def split(self, text: str) -> tuple[bytes, bytes] | None:
        """Return head and MAC of a text in the right form, else None."""
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{{4 * (self.head + MAC_BYTES) // 3}}}", text):
            return None
        try:
            raw = base64.urlsafe_b64decode(text)
        except (binascii.Error, ValueError):
            return None
        return raw[: self.head], raw[self.head :]


def secret_keys(services: Services) -> tuple[str, ...]:
    """Return the present secret key and the previous ones."""
    return services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys
