"""Secrets of a whole project that its password hashes depend on: one of each project, not one of each hash.

Firebase encrypts a key of the project with what it derives from a password. Flask-Security keys an HMAC of
the password with `SECURITY_PASSWORD_SALT`. Neither is in the hash of an account.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass

MAX_FILE = 64 * 1024  # bytes of a file with the parameters
MAX_MEMORY_COST = 17  # log2 of N, as for every scrypt
MAX_ROUNDS = 8  # r
_FIREBASE_FIELDS = ("base64_signer_key", "base64_salt_separator", "rounds", "mem_cost")


@dataclass(frozen=True, slots=True)
class FirebaseKey:
    """The hash parameters of a Firebase project: its signer key, and the cost of scrypt."""

    signer_key: bytes
    salt_separator: bytes
    rounds: int
    memory_cost: int  # log2 of N


@dataclass(frozen=True, slots=True)
class FlaskSecurityKey:
    """The `SECURITY_PASSWORD_SALT` of an application with Flask-Security."""

    salt: bytes


ProjectKey = FirebaseKey | FlaskSecurityKey


def firebase_key(text: str) -> FirebaseKey:
    """Return the key of the parameters that the Firebase console shows, or of the same as JSON.

    Raises `ValueError`; its message never quotes the text.
    """
    found = dict(re.findall(r'"?(\w+)"?\s*:\s*"?([A-Za-z0-9+/=_-]*)"?', text))
    if missing := [name for name in _FIREBASE_FIELDS if not found.get(name)]:
        raise ValueError(f"lacks {', '.join(missing)}")
    if found.get("algorithm", "SCRYPT") != "SCRYPT":
        raise ValueError("is of another algorithm than SCRYPT")
    signer_key, separator = (_base64(found[name], name) for name in _FIREBASE_FIELDS[:2])
    rounds = _number(found["rounds"], "rounds", MAX_ROUNDS)
    return FirebaseKey(signer_key, separator, rounds, _number(found["mem_cost"], "mem_cost", MAX_MEMORY_COST))


def flask_security_key(text: str) -> FlaskSecurityKey:
    """Return the key of a file that holds `SECURITY_PASSWORD_SALT` alone. Raises `ValueError`."""
    salt = text.removesuffix("\n").removesuffix("\r")
    if not salt or "\n" in salt:
        raise ValueError("must be one line")
    return FlaskSecurityKey(salt.encode())


def to_bytes(key: ProjectKey) -> bytes:
    """Return the key as bytes, to be encrypted."""
    if isinstance(key, FlaskSecurityKey):
        return json.dumps({"salt": key.salt.hex()}).encode()
    values = {"signer_key": key.signer_key.hex(), "salt_separator": key.salt_separator.hex()}
    return json.dumps(values | {"rounds": key.rounds, "memory_cost": key.memory_cost}).encode()


def from_bytes(data: bytes) -> ProjectKey:
    """Return the key that `to_bytes` wrote."""
    values = json.loads(data)
    if "salt" in values:
        return FlaskSecurityKey(bytes.fromhex(values["salt"]))
    signer_key, separator = (bytes.fromhex(values[name]) for name in ("signer_key", "salt_separator"))
    return FirebaseKey(signer_key, separator, values["rounds"], values["memory_cost"])


def _base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"has no base64 in {name}") from None


def _number(text: str, name: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,3}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"must have a {name} from 1 to {most}")
    return int(text)
