"""The schemes behind the password hashes of other systems: how each digest is computed, and its bounds.

A stored hash names its own cost, and could take minutes and all memory. Each reader takes the parts of a
notation that was matched in full, and refuses a cost beyond its bounds: no check takes more than about 1.5
seconds of CPU time. A hash that is as easy to guess as a plain digest is refused as well.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import argon2.low_level
import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from utils.passwords.project_keys import FirebaseKey, ProjectKey

BCRYPT_COSTS = range(4, 15)
WORDPRESS_COSTS = range(4, 14)  # the password is checked twice, with and without slashes
BCRYPT_BYTES = 72  # of a password; older implementations ignored the rest, which this one refuses
MAX_ARGON2_MEMORY = 256 * 1024  # KiB
ARGON2_WORK = range(1024, 1024 * 1024 + 1)  # KiB, times the rounds; from 512 KiB with 2 rounds (Django 1.10)
MAX_ARGON2_LANES = 16
MAX_SCRYPT_MEMORY = 256 * 1024 * 1024  # bytes
MIN_SCRYPT_N, MIN_SCRYPT_BLOCKS = 256, 2**11  # N, and N times r
MAX_SCRYPT_WORK = 2**21  # N times r times p
MIN_PBKDF2_ROUNDS = 1000  # RFC 8018, 4.2
MAX_PBKDF2_ROUNDS = {"sha1": 2_000_000, "sha256": 2_000_000, "sha512": 1_400_000}
PBKDF2_BLOCKS = {"sha1": 20, "sha256": 32, "sha512": 64}  # bytes
PHPASS_COSTS = range(9, 14)  # log2 of the rounds: phpBB with PHP 4 made 2^9, WordPress 2^13
_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BCRYPT_64 = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

FindKey = Callable[[str], ProjectKey | None]


class Kind(StrEnum):
    """The kinds of foreign hashes, as `doctor` counts them."""

    BCRYPT = "bcrypt"
    ARGON2 = "argon2"
    PBKDF2 = "pbkdf2"
    SCRYPT = "scrypt"
    FIREBASE = "firebase"
    FLASK_SECURITY = "flask-security"
    PHPASS = "phpass"
    WORDPRESS = "wordpress"


class ForeignHashError(ValueError):
    """A hash that is not read. The message continues a sentence, and never quotes the hash."""


class UnknownKind(ForeignHashError):
    pass


class PlainDigest(ForeignHashError):
    pass


class TooCostly(ForeignHashError):
    pass


class TooCheap(ForeignHashError):
    pass


class KeyMissing(ForeignHashError):
    """The key of the project is not stored here, or cannot be decrypted."""


class ForeignHash(NamedTuple):
    """A hash of another system: its kind, its digest, and the function that computes one of a password."""

    kind: Kind
    digest: bytes
    compute: Callable[[bytes], bytes]
    prepare: Callable[[str], Sequence[bytes]]  # what the system may have hashed for this password

    def matches(self, password: str) -> bool:
        """Return whether the password has this digest. Raises `KeyMissing`."""
        if "\0" in password:  # several of these ignore NUL bytes, or what follows them
            return False
        found = [hmac.compare_digest(self.compute(text), self.digest) for text in self.prepare(password)]
        return any(found)


def _utf8(password: str) -> Sequence[bytes]:
    return [password.encode()]


def _with_slashes(password: str) -> Sequence[bytes]:
    """Return the password with backslashes before quotes, as WordPress gets it from forms, and without."""
    return [*dict.fromkeys([re.sub(r"(['\"\\])", r"\\\1", password).encode(), password.encode()])]


def _bounded(number: str | int, low: int, high: int) -> int:
    if int(number) > high:
        raise TooCostly("costs more than is accepted")
    if int(number) < low:
        raise TooCheap("costs so little that it protects no better than a plain digest")
    return int(number)


def check_pbkdf2(digest_name: str, rounds: str | int) -> int:
    """Return the rounds of PBKDF2 for each block. Raises `TooCostly` or `TooCheap`."""
    return _bounded(rounds, MIN_PBKDF2_ROUNDS, MAX_PBKDF2_ROUNDS[digest_name])


def check_scrypt(n: int, r: int, p: int) -> None:
    """Check the cost of scrypt. Raises `TooCostly`, `TooCheap`, or `UnknownKind` for what scrypt excludes.

    Within these bounds Werkzeug's limit for OpenSSL, 132 * N * r * p bytes, is far below the 2^31 - 1 that
    Python passes on: beyond it no password could ever be checked.
    """
    _bounded(n * r * p, 1, MAX_SCRYPT_WORK)
    _bounded(128 * n * r, 1, MAX_SCRYPT_MEMORY)
    _bounded(n, MIN_SCRYPT_N, n)
    _bounded(n * r, MIN_SCRYPT_BLOCKS, n * r)
    if n.bit_count() != 1 or n >= 2 ** (16 * r):  # RFC 7914, 2
        raise UnknownKind("has a cost that scrypt excludes")


def base64_bytes(text: str) -> bytes:
    """Decode base64, with or without padding; `.` stands for `+`, as passlib writes it."""
    try:
        return base64.b64decode(text.rstrip("=").replace(".", "+") + "=" * (-len(text.rstrip("=")) % 4))
    except binascii.Error:
        raise UnknownKind("has no base64 where it should have") from None


def bcrypt_hash(found: re.Match[str], _: FindKey, *, kind: Kind = Kind.BCRYPT) -> ForeignHash:
    cost = _bounded(found["cost"], BCRYPT_COSTS[0], BCRYPT_COSTS[-1])
    # Of the last character of a salt, two bits count. Some systems set the others.
    last = _BCRYPT_64[_BCRYPT_64.index(found["salt"][-1]) & 0x30]
    setting = f"$2b${cost:02}${found['salt'][:-1]}{last}".encode()

    def compute(password: bytes) -> bytes:
        return bcrypt.hashpw(password[:BCRYPT_BYTES], setting)[-31:]

    return ForeignHash(kind, found["digest"].encode(), compute, _utf8)


def bcrypt_of_sha256(found: re.Match[str], find_key: FindKey) -> ForeignHash:
    def prepare(password: str) -> Sequence[bytes]:
        return [hashlib.sha256(password.encode()).hexdigest().encode()]

    return bcrypt_hash(found, find_key)._replace(prepare=prepare)


def wordpress(found: re.Match[str], find_key: FindKey) -> ForeignHash:
    def prepare(password: str) -> Sequence[bytes]:
        return [
            base64.b64encode(hmac.digest(b"wp-sha384", text, "sha384")) for text in _with_slashes(password)
        ]

    _bounded(found["cost"], WORDPRESS_COSTS[0], WORDPRESS_COSTS[-1])
    return bcrypt_hash(found, find_key, kind=Kind.WORDPRESS)._replace(prepare=prepare)


def argon2_hash(found: re.Match[str], _: FindKey) -> ForeignHash:
    lanes, rounds = _bounded(found["lanes"], 1, MAX_ARGON2_LANES), _bounded(found["rounds"], 1, 10**9)
    memory = _bounded(found["memory"], 8 * lanes, MAX_ARGON2_MEMORY)
    _bounded(memory * rounds, ARGON2_WORK[0], ARGON2_WORK[-1])
    salt, digest = base64_bytes(found["salt"]), base64_bytes(found["digest"])
    compute = partial(
        argon2.low_level.hash_secret_raw,
        salt=salt,
        time_cost=rounds,
        memory_cost=memory,
        parallelism=lanes,
        hash_len=len(digest),
        type=argon2.low_level.Type[found["type"].upper()],
        version=int(found["version"] or 16),
    )
    return ForeignHash(Kind.ARGON2, digest, compute, _utf8)


def pbkdf2(found: re.Match[str], salt: bytes, digest: bytes) -> ForeignHash:
    """Read a hash of PBKDF2, of which the first block is compared.

    The blocks of a longer one are computed independently, each with all rounds (RFC 8018, 5.2): who guesses
    passwords computes one block only.
    """
    name = found["hash"] or "sha1"
    rounds = check_pbkdf2(name, found["rounds"])
    block = digest[: PBKDF2_BLOCKS[name]]

    def compute(password: bytes) -> bytes:
        return hashlib.pbkdf2_hmac(name, password, salt, rounds, len(block))

    return ForeignHash(Kind.PBKDF2, block, compute, _utf8)


def scrypt(n: int, found: re.Match[str], salt: bytes, digest: bytes) -> ForeignHash:
    r, p = int(found["r"]), int(found["p"])
    check_scrypt(n, r, p)
    return ForeignHash(Kind.SCRYPT, digest, partial(_scrypt_of, salt, n, r, p, len(digest)), _utf8)


def _scrypt_of(salt: bytes, n: int, r: int, p: int, length: int, password: bytes) -> bytes:
    memory = 128 * r * (n + p + 4)  # what OpenSSL needs, and a little more
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=length)


def firebase(found: re.Match[str], find_key: FindKey) -> ForeignHash:
    key, salt = find_key(found["key"]), base64_bytes(found["salt"])
    if not isinstance(key, FirebaseKey):
        raise KeyMissing("needs a key that is missing here")
    check_scrypt(2**key.memory_cost, key.rounds, 1)

    def compute(password: bytes) -> bytes:
        n, separated = 2**key.memory_cost, salt + key.salt_separator
        derived = _scrypt_of(separated, n, key.rounds, 1, 32, password)
        encryptor = Cipher(algorithms.AES256(derived), modes.CTR(bytes(16))).encryptor()
        return encryptor.update(key.signer_key) + encryptor.finalize()

    return ForeignHash(Kind.FIREBASE, base64_bytes(found["digest"]), compute, _utf8)


def phpass(found: re.Match[str], _: FindKey) -> ForeignHash:
    rounds = 2 ** _bounded(str(_ITOA64.index(found["cost"])), PHPASS_COSTS[0], PHPASS_COSTS[-1])
    salt = found["salt"].encode()

    def compute(password: bytes) -> bytes:
        digest = hashlib.md5(salt + password, usedforsecurity=False).digest()
        for _ in range(rounds):
            digest = hashlib.md5(digest + password, usedforsecurity=False).digest()
        return _itoa64(digest)

    return ForeignHash(Kind.PHPASS, found["digest"].encode(), compute, _with_slashes)


def _itoa64(data: bytes) -> bytes:
    """Encode groups of three bytes, the lowest bits first."""
    text = ""
    for start in range(0, len(data), 3):
        group = data[start : start + 3]
        number = int.from_bytes(group, "little")
        text += "".join(_ITOA64[number >> 6 * place & 63] for place in range(-(-len(group) * 8 // 6)))
    return text.encode()
