"""Hashes of other systems: each kind is read as an independent library writes it, within its bounds."""

import base64
import hashlib
import hmac
import time
import unicodedata
from collections.abc import Callable

import pytest
from passlib import hash as witness
from werkzeug.security import generate_password_hash

from tests.support.imports import FIREBASE, FIREBASE_HASH, FIREBASE_PASSWORD
from utils.passwords import foreign_hashes
from utils.passwords.foreign_schemes import (
    ForeignHashError,
    KeyMissing,
    Kind,
    PlainDigest,
    TooCostly,
    UnknownKind,
)
from utils.passwords.hashing import is_in_bounds
from utils.passwords.project_keys import FlaskSecurityKey, ProjectKey, firebase_key

PASSWORD = "pässword with 'quotes' and \\"
KEY_ID = "0123456789ab"
FIREBASE_STORED = FIREBASE_HASH.replace("$firescrypt$", f"$firescrypt${KEY_ID}$")
FLASK_SECURITY_KEY = FlaskSecurityKey(b"the salt of an application")


def no_key(_: str) -> ProjectKey | None:
    return None


def matches(hashed: str, password: str, key: ProjectKey | None = None) -> bool:
    return foreign_hashes.read(hashed, lambda key_id: key if key_id == KEY_ID else None).matches(password)


def of_flask_security(password: str) -> str:
    text = unicodedata.normalize("NFKD", password).encode()
    return base64.b64encode(hmac.new(FLASK_SECURITY_KEY.salt, text, hashlib.sha512).digest()).decode()


def of_wordpress(password: str) -> str:
    digest = hmac.new(b"wp-sha384", password.encode(), hashlib.sha384).digest()
    return "$wp" + str(witness.bcrypt.using(rounds=4, ident="2y").hash(base64.b64encode(digest)))


witness.argon2.set_backend("argon2_cffi")  # loaded late, it breaks classes that were made before
ARGON2 = witness.argon2.using(rounds=1, memory_cost=64, parallelism=2)
WRITERS: dict[str, tuple[Kind, Callable[[str], str]]] = {
    "bcrypt 2b": (Kind.BCRYPT, witness.bcrypt.using(rounds=4).hash),
    "bcrypt 2a": (Kind.BCRYPT, witness.bcrypt.using(rounds=4, ident="2a").hash),
    "bcrypt 2y": (Kind.BCRYPT, witness.bcrypt.using(rounds=4, ident="2y").hash),
    "django bcrypt": (Kind.BCRYPT, witness.django_bcrypt.using(rounds=4).hash),
    "django bcrypt_sha256": (Kind.BCRYPT, witness.django_bcrypt_sha256.using(rounds=4).hash),
    "argon2id": (Kind.ARGON2, ARGON2.using(type="ID").hash),
    "argon2i": (Kind.ARGON2, ARGON2.using(type="I").hash),
    "django argon2": (Kind.ARGON2, lambda password: "argon2" + str(ARGON2.hash(password))),
    "django pbkdf2_sha256": (Kind.PBKDF2, witness.django_pbkdf2_sha256.using(rounds=100).hash),
    "django pbkdf2_sha1": (Kind.PBKDF2, witness.django_pbkdf2_sha1.using(rounds=100).hash),
    "passlib pbkdf2": (Kind.PBKDF2, witness.pbkdf2_sha1.using(rounds=100).hash),
    "passlib pbkdf2-sha256": (Kind.PBKDF2, witness.pbkdf2_sha256.using(rounds=100).hash),
    "passlib pbkdf2-sha512": (Kind.PBKDF2, witness.pbkdf2_sha512.using(rounds=100).hash),
    "werkzeug pbkdf2:sha1": (Kind.PBKDF2, lambda text: generate_password_hash(text, "pbkdf2:sha1:100")),
    "passlib scrypt": (Kind.SCRYPT, witness.scrypt.using(rounds=4, block_size=8).hash),
    "phpass": (Kind.PHPASS, witness.phpass.using(rounds=7).hash),
    "phpass of phpBB": (Kind.PHPASS, witness.phpass.using(rounds=7, ident="$H$").hash),
    "wordpress": (Kind.WORDPRESS, of_wordpress),
}


def scrypt_of_django(password: str) -> str:
    digest = hashlib.scrypt(password.encode(), salt=b"salty", n=16, r=8, p=1, dklen=64)
    return f"scrypt$16$salty$8$1${base64.b64encode(digest).decode()}"


WRITERS["django scrypt"] = (Kind.SCRYPT, scrypt_of_django)


@pytest.mark.parametrize("name", WRITERS)
def test_hash_of_each_system_opens_with_its_password_only(name: str) -> None:
    kind, write = WRITERS[name]
    hashed = write(PASSWORD)
    assert foreign_hashes.kind(hashed) == kind
    assert foreign_hashes.read(hashed, no_key).kind == kind
    assert matches(hashed, PASSWORD)
    assert not matches(hashed, PASSWORD + "x")
    assert not matches(hashed, unicodedata.normalize("NFD", PASSWORD))
    assert not matches(hashed, hashed)
    assert not is_in_bounds(hashed)


@pytest.mark.parametrize("name", WRITERS)
def test_password_with_nul_is_refused(name: str) -> None:
    hashed = WRITERS[name][1]("secret")
    for password in ("secret\0", "secret\0x", "secret\0secret", "\0secret"):
        assert not matches(hashed, password)


@pytest.mark.parametrize("name", WRITERS)
def test_notation_is_matched_in_full(name: str) -> None:
    hashed = WRITERS[name][1]("secret")
    for changed in (f"{hashed}\n", f" {hashed}", f"x{hashed}", f"{hashed}$", f"{hashed}\u0661"):
        with pytest.raises(ForeignHashError):
            foreign_hashes.read(changed, no_key)


def test_firebase_hash_opens_with_the_key_of_its_project() -> None:
    key = firebase_key(FIREBASE)
    assert foreign_hashes.kind(FIREBASE_STORED) is Kind.FIREBASE
    assert matches(FIREBASE_STORED, FIREBASE_PASSWORD, key)
    assert not matches(FIREBASE_STORED, FIREBASE_PASSWORD + "x", key)
    other = firebase_key(FIREBASE.replace("jxspr8Ki", "JXSPR8kI"))
    assert not matches(FIREBASE_STORED, FIREBASE_PASSWORD, other)
    for missing in (None, FLASK_SECURITY_KEY):
        with pytest.raises(KeyMissing):
            matches(FIREBASE_STORED, FIREBASE_PASSWORD, missing)


@pytest.mark.parametrize("inner", ["bcrypt 2b", "argon2id", "passlib pbkdf2-sha512"])
def test_flask_security_hash_opens_with_the_key_of_its_application(inner: str) -> None:
    hashed = f"$flask-security${KEY_ID}{WRITERS[inner][1](of_flask_security(PASSWORD)[:72])}"
    if inner != "bcrypt 2b":  # which reads 72 bytes of the 88
        hashed = f"$flask-security${KEY_ID}{WRITERS[inner][1](of_flask_security(PASSWORD))}"
    assert foreign_hashes.kind(hashed) is Kind.FLASK_SECURITY
    assert foreign_hashes.read(hashed, lambda _: FLASK_SECURITY_KEY).kind is Kind.FLASK_SECURITY
    assert matches(hashed, PASSWORD, FLASK_SECURITY_KEY)
    assert matches(hashed, unicodedata.normalize("NFD", PASSWORD), FLASK_SECURITY_KEY)  # it normalizes
    assert not matches(hashed, PASSWORD + "x", FLASK_SECURITY_KEY)
    assert not matches(hashed, PASSWORD, FlaskSecurityKey(b"another salt"))
    for missing in (None, firebase_key(FIREBASE)):
        with pytest.raises(KeyMissing):
            matches(hashed, PASSWORD, missing)


def test_flask_security_hash_is_not_nested() -> None:
    for inner in (
        FIREBASE_STORED,
        f"$flask-security${KEY_ID}{WRITERS['bcrypt 2b'][1]('x')}",
        "$P$B" + "a" * 30,
    ):
        with pytest.raises(UnknownKind):
            foreign_hashes.read(f"$flask-security${KEY_ID}{inner}", lambda _: FLASK_SECURITY_KEY)


def test_bcrypt_ignores_what_follows_72_bytes() -> None:
    hashed = witness.bcrypt.using(rounds=4).hash("é" * 36)
    assert matches(hashed, "é" * 36)
    assert matches(hashed, "é" * 37)
    assert not matches(hashed, "é" * 35)


def test_unused_bits_of_a_bcrypt_salt_are_ignored() -> None:
    hashed = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"
    assert not matches(hashed, "x")  # 21 bits of the last character are zero
    own = witness.bcrypt.using(rounds=4, salt="CCCCCCCCCCCCCCCCCCCCC.").hash("secret")
    assert matches(own[:28] + "/" + own[29:], "secret")


def test_password_that_wordpress_got_with_slashes_opens() -> None:
    for hashed in (of_wordpress("it\\'s"), str(witness.phpass.using(rounds=7).hash("it\\'s"))):
        assert matches(hashed, "it's")
        assert not matches(hashed, "its")


ZERO = "." * 31
TOO_COSTLY = [
    f"$2b$15${'.' * 22}{ZERO}",
    f"$2b$31${'.' * 22}{ZERO}",
    f"$2b$03${'.' * 22}{ZERO}",
    f"$wp$2y$15${'.' * 22}{ZERO}",
    f"bcrypt_sha256$$2b$15${'.' * 22}{ZERO}",
    f"$argon2id$v=19$m=4194304,t=2,p=1${'A' * 22}${'A' * 43}",
    f"$argon2id$v=19$m=262145,t=1,p=1${'A' * 22}${'A' * 43}",
    f"$argon2id$v=19$m=65536,t=11,p=1${'A' * 22}${'A' * 43}",
    f"$argon2i$v=19$m=65536,t=1,p=17${'A' * 22}${'A' * 43}",
    f"$argon2i$v=19$m=7,t=1,p=1${'A' * 22}${'A' * 43}",
    f"argon2$argon2id$v=19$m=4194304,t=2,p=1${'A' * 22}${'A' * 43}",
    f"pbkdf2_sha256$2000001$salt${'A' * 43}=",
    f"pbkdf2_sha256$0$salt${'A' * 43}=",
    f"$pbkdf2-sha512$999999999$AAAA${'A' * 86}",
    f"pbkdf2:sha1:2000001$salt${'a' * 40}",
    f"scrypt$262144$salt$8$1${'A' * 86}==",
    f"scrypt$1000$salt$8$1${'A' * 86}==",
    f"scrypt$16384$salt$9$1${'A' * 86}==",
    f"scrypt$16384$salt$8$11${'A' * 86}==",
    f"$scrypt$ln=18,r=8,p=1$AAAA${'A' * 43}",
    f"$scrypt$ln=99,r=8,p=1$AAAA${'A' * 43}",
    f"$scrypt$ln=0,r=8,p=1$AAAA${'A' * 43}",
    "$P$I" + "a" * 30,
    "$P$4" + "a" * 30,
    f"$flask-security${KEY_ID}$2b$15${'.' * 22}{ZERO}",
]


@pytest.mark.parametrize("hashed", TOO_COSTLY)
def test_hash_beyond_its_bounds_is_refused_without_computing_it(hashed: str) -> None:
    began = time.thread_time()  # a busy machine does not count
    with pytest.raises(TooCostly):
        foreign_hashes.read(hashed, lambda _: FLASK_SECURITY_KEY)
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize(
    "hashed",
    [
        f"$2b$14${'.' * 22}{ZERO}",
        f"$argon2id$v=19$m=262144,t=10,p=16${'A' * 22}${'A' * 43}",
        f"pbkdf2_sha256$2000000$salt${'A' * 43}=",
        f"scrypt$131072$salt$8$10${'A' * 86}==",
        "$P$H" + "a" * 30,
    ],
)
def test_hash_at_its_bounds_is_read(hashed: str) -> None:
    assert foreign_hashes.read(hashed, no_key)


@pytest.mark.parametrize(
    "hashed",
    [
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "a" * 40,
        "A" * 64,
        "f" * 128,
        "md5$salt$5f4d",
        "sha1$$aa",
        "{SHA}x=",
        "$1$a$b",
    ],
)
def test_plain_digest_is_refused_as_weak(hashed: str) -> None:
    with pytest.raises(PlainDigest):
        foreign_hashes.read(hashed, no_key)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "secret",
        "!",
        f"$2x$10${'.' * 53}",
        f"$argon2d$v=19$m=64,t=1,p=1${'A' * 22}${'A' * 43}",
        f"$argon2id$v=19$m=64,t=1,p=1,data=AAAA${'A' * 22}${'A' * 43}",
        f"$argon2id$v=18$m=64,t=1,p=1${'A' * 22}${'A' * 43}",
        f"$argon2id$v=19$m=64,t=1,p=1$AAAA${'A' * 43}",
        f"$argon2id$v=19$m=64,t=1,p=1${'A' * 22}$AAAA",
        f"pbkdf2_sha256$100$${'A' * 43}=",
        f"pbkdf2_md5$100$salt${'A' * 43}=",
        f"pbkdf2_sha256$\u0661\u0662$salt${'A' * 43}=",
        f"$pbkdf2-sha256$100$A${'A' * 43}",
        "$6$salt$" + "a" * 86,
        f"pbkdf2_sha256$100${'s' * 129}${'A' * 43}=",
        f"$firescrypt$42xE${'A' * 86}==",
        f"$scrypt$ln=4,r=8,p=1${'A' * 128}${'A' * 86}" + "A" * 40,
    ],
)
def test_hash_of_no_known_kind_is_refused(hashed: str) -> None:
    with pytest.raises(UnknownKind) as refusal:
        foreign_hashes.read(hashed, no_key)
    assert not hashed or hashed not in str(refusal.value)


def test_no_own_hash_has_the_beginning_of_a_foreign_one() -> None:
    for method in ("scrypt:32768:8:3", "pbkdf2:sha256:1000", "pbkdf2:sha512:1000"):
        assert foreign_hashes.kind(f"{method}$salt$digest") is None
