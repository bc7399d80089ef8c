"""The cost of imported hashes: bounded above and below, for real hashes of every system within the bounds."""

import base64
import hashlib
import time

import pytest

from auth.transfer import hashes
from utils.passwords import foreign_hashes
from utils.passwords.foreign_schemes import (
    ForeignHashError,
    TooCheap,
    TooCostly,
    UnknownKind,
)
from utils.passwords.project_keys import FirebaseKey, FlaskSecurityKey, ProjectKey

KEY_ID = "0123456789ab"
BCRYPT_END = "." * 53
ARGON2_END = f"{'A' * 22}${'A' * 43}"
SECONDS = 1.5  # of CPU time for a check, at most


def read(hashed: str, key: ProjectKey | None = None) -> str:
    """Read a hash as an import does; return how it would be stored."""
    return hashes.stored(hashed, KEY_ID, key or FlaskSecurityKey(b"salt"))


def werkzeug(method: str) -> str:
    return f"{method}$salt${'a' * (64 if 'sha256' in method else 128)}"


TOO_COSTLY = [
    f"$2b$15${BCRYPT_END}",
    f"$2b$31${BCRYPT_END}",
    f"$wp$2y$14${BCRYPT_END}",
    f"bcrypt_sha256$$2b$15${BCRYPT_END}",
    f"$argon2id$v=19$m=4194304,t=1,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=262145,t=1,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=262144,t=5,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=65536,t=17,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=8,t=999999999,p=1${ARGON2_END}",
    f"$argon2i$v=19$m=65536,t=1,p=17${ARGON2_END}",
    f"argon2$argon2id$v=19$m=4194304,t=2,p=1${ARGON2_END}",
    f"pbkdf2_sha256$2000001$salt${'A' * 43}=",
    f"pbkdf2_sha512$1400001$salt${'A' * 86}==",
    f"$pbkdf2-sha512$999999999$AAAA${'A' * 86}",
    f"pbkdf2:sha1:2000001$salt${'a' * 40}",
    f"scrypt$524288$salt$8$1${'A' * 86}==",
    f"scrypt$16384$salt$8$17${'A' * 86}==",
    f"scrypt$16384$salt$9999$1${'A' * 86}==",
    f"$scrypt$ln=19,r=8,p=1$AAAA${'A' * 43}",
    f"$scrypt$ln=99,r=8,p=1$AAAA${'A' * 43}",
    "$P$C" + "a" * 30,
    "$H$z" + "a" * 30,
    f"$flask-security${KEY_ID}$2b$15${BCRYPT_END}",
    werkzeug("scrypt:262144:8:7"),
    werkzeug("scrypt:262144:8:16"),  # 132 * N * r * p is over 2^31: it could never be checked
    werkzeug("scrypt:4294967296:8:1"),
    werkzeug("pbkdf2:sha256:5000000"),
    werkzeug("pbkdf2:sha512:5000000"),
]
TOO_CHEAP = [
    f"$2b$03${BCRYPT_END}",
    f"$argon2id$v=19$m=8,t=1,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=1023,t=1,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=7,t=1,p=1${ARGON2_END}",
    f"pbkdf2_sha256$1$salt${'A' * 43}=",
    f"pbkdf2_sha256$0$salt${'A' * 43}=",
    f"pbkdf2_sha256$999$salt${'A' * 43}=",
    f"pbkdf2:sha1:1$salt${'a' * 40}",
    f"scrypt$2$salt$8$1${'A' * 86}==",
    f"scrypt$128$salt$16$1${'A' * 86}==",
    f"scrypt$256$salt$1$1${'A' * 86}==",
    f"scrypt$256$salt$0$1${'A' * 86}==",
    f"$scrypt$ln=0,r=8,p=1$AAAA${'A' * 43}",
    "$P$6" + "a" * 30,
    "$H$." + "a" * 30,
    f"$flask-security${KEY_ID}$pbkdf2-sha512$1$AAAA${'A' * 86}",
    werkzeug("scrypt:2:8:1"),
    werkzeug("pbkdf2:sha256:1"),
]
EXCLUDED = [
    f"scrypt$1000$salt$8$1${'A' * 86}==",
    f"scrypt$65536$salt$1$1${'A' * 86}==",
    werkzeug("scrypt:1000:8:1"),
]
AT_THE_BOUND = [
    f"$2b$14${BCRYPT_END}",
    f"$wp$2y$13${BCRYPT_END}",
    f"$argon2id$v=19$m=262144,t=4,p=1${ARGON2_END}",
    f"$argon2id$v=19$m=65536,t=16,p=16${ARGON2_END}",
    f"$argon2id$v=19$m=1024,t=1024,p=1${ARGON2_END}",
    f"pbkdf2_sha256$2000000$salt${'A' * 43}=",
    f"pbkdf2_sha1$2000000$salt${'A' * 86}==",
    f"pbkdf2_sha512$1400000$salt${'A' * 86}==",
    f"scrypt$131072$salt$8$2${'A' * 86}==",
    f"scrypt$262144$salt$8$1${'A' * 86}==",
    f"scrypt$256$salt$8192$1${'A' * 86}==",
    f"scrypt$256$salt$8$1024${'A' * 86}==",
    "$P$B" + "a" * 30,
]
REAL = {
    "bcrypt of the least cost": f"$2a$04${BCRYPT_END}",
    "Django 1.4": f"pbkdf2_sha256$10000$salt${'A' * 43}=",
    "Django 1.10, Argon2": f"argon2$argon2i$v=19$m=512,t=2,p=2${ARGON2_END}",
    "Django 6.0": f"pbkdf2_sha256$1200000$salt${'A' * 43}=",
    "Django 6.1": f"pbkdf2_sha256$1500000$salt${'A' * 43}=",
    "Django, Argon2": f"argon2$argon2id$v=19$m=102400,t=2,p=8${ARGON2_END}",
    "Django, scrypt": f"scrypt$16384$salt$8$5${'A' * 86}==",
    "Werkzeug": werkzeug("scrypt:32768:8:1"),
    "Werkzeug, PBKDF2": werkzeug("pbkdf2:sha256:1000000"),
    "Werkzeug, PBKDF2 of SHA-512": werkzeug("pbkdf2:sha512:1000000"),
    "Werkzeug 0.9": f"pbkdf2:sha1:1000$salt${'a' * 40}",
    "Flask-Security": f"$argon2id$v=19$m=65536,t=3,p=4${ARGON2_END}",
    "Auth0 and Supabase": f"$2b$10${BCRYPT_END}",
    "Clerk": f"$2a$13${BCRYPT_END}",
    "Keycloak 25": f"$argon2id$v=19$m=7168,t=5,p=1${ARGON2_END}",
    "Keycloak 24": f"$pbkdf2-sha512$210000$AAAA${'A' * 86}",
    "Keycloak, SHA-256": f"$pbkdf2-sha256$600000$AAAA${'A' * 86}",
    "Keycloak, SHA-1": f"$pbkdf2$1300000$AAAA${'A' * 86}",
    "WordPress before 6.8": "$P$B" + "a" * 30,
    "WordPress 6.8": f"$wp$2y$10${BCRYPT_END}",
    "WordPress 6.8 with PHP 8.4": f"$wp$2y$12${BCRYPT_END}",
    "phpBB 3.0": "$H$9" + "a" * 30,
    "phpBB 3.0 with PHP 4": "$H$7" + "a" * 30,
    "PHP 7.2, Argon2": f"$argon2i$v=19$m=1024,t=2,p=2${ARGON2_END}",
    "passlib, scrypt": f"$scrypt$ln=16,r=8,p=1$AAAA${'A' * 43}",
}


@pytest.mark.parametrize("hashed", TOO_COSTLY)
def test_hash_that_costs_too_much_is_refused_without_computing_it(hashed: str) -> None:
    began = time.thread_time()
    with pytest.raises(TooCostly):
        read(hashed)
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize("hashed", TOO_CHEAP)
def test_hash_that_is_as_weak_as_a_plain_digest_is_refused(hashed: str) -> None:
    with pytest.raises(TooCheap):
        read(hashed)


@pytest.mark.parametrize("hashed", EXCLUDED)
def test_scrypt_hash_of_a_cost_that_scrypt_excludes_is_refused(hashed: str) -> None:
    with pytest.raises(UnknownKind):
        read(hashed)


@pytest.mark.parametrize("hashed", AT_THE_BOUND)
def test_hash_at_its_bounds_is_read(hashed: str) -> None:
    assert foreign_hashes.read(hashed, lambda _: None)


@pytest.mark.parametrize("name", REAL)
def test_real_hash_of_each_system_is_within_the_bounds(name: str) -> None:
    assert read(REAL[name])


def test_firebase_parameters_are_bounded() -> None:
    hashed = f"$firescrypt$AAAA${'A' * 86}=="
    for cost, blocks in ((14, 8), (17, 8)):
        assert read(hashed, FirebaseKey(b"key", b"", blocks, cost))
    for cost, blocks in ((1, 8), (8, 1)):
        with pytest.raises(TooCheap):
            read(hashed, FirebaseKey(b"key", b"", blocks, cost))


@pytest.mark.slow
@pytest.mark.parametrize("hashed", AT_THE_BOUND)
def test_check_of_a_hash_at_its_bounds_takes_little_cpu_time(hashed: str) -> None:
    found = foreign_hashes.read(hashed, lambda _: None)
    began = time.thread_time()
    assert not found.matches("it's " + "x" * 251)  # a quote: WordPress may have hashed it in two ways
    assert time.thread_time() - began < 2 * SECONDS  # twice, as this machine has other work


def test_first_block_of_a_long_pbkdf2_hash_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths, derive = list[int | None](), hashlib.pbkdf2_hmac

    def spied(name: str, text: bytes, salt: bytes, rounds: int, dklen: int | None = None) -> bytes:
        lengths.append(dklen)
        return derive(name, text, salt, rounds, dklen)

    long = derive("sha1", b"secret", b"salt", 1000, 64)
    salt, digest = (base64.b64encode(each).decode().rstrip("=").replace("+", ".") for each in (b"salt", long))
    hashed = f"$pbkdf2$1000${salt}${digest}"
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", spied)
    found = foreign_hashes.read(hashed, lambda _: None)
    assert found.matches("secret")
    assert not found.matches("another")
    assert lengths == [20, 20]


def test_refusals_never_quote_the_hash() -> None:
    for hashed in (*TOO_COSTLY, *TOO_CHEAP, *EXCLUDED):
        with pytest.raises(ForeignHashError) as refusal:
            read(hashed)
        assert hashed not in str(refusal.value)
