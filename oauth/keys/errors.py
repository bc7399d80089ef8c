"""Errors of the signing keys."""

from utils.errors import Unavailable


class NoSigningKey(Unavailable):
    """No signing key can be decrypted; `doctor` tells why."""
