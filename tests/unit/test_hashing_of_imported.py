"""The hasher in force with hashes of other systems: outdated, readable, refused no faster than own ones."""

import logging

import bcrypt
import pytest

from utils.passwords.hashing import KEPT_TIMES, PasswordHasher
from utils.passwords.project_keys import ProjectKey

METHOD = "scrypt:256:8:1"
HASHED = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
COSTLY = f"$argon2id$v=19$m=4194304,t=2,p=1${'A' * 22}${'A' * 43}"
FIREBASE = f"$firescrypt$0123456789ab$AAAA${'A' * 86}=="


class Waits:
    """Counts the hashes of the configured method, and notes the waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.hasher = PasswordHasher(METHOD, sleep=self.waits.append)


def test_imported_hash_is_checked_and_outdated() -> None:
    hasher = PasswordHasher(METHOD)
    assert hasher.check(HASHED, "secret")
    assert not hasher.check(HASHED, "another")
    assert hasher.is_readable(HASHED)
    assert hasher.is_outdated(HASHED)


def test_refusal_of_an_imported_hash_waits_as_long_as_an_own_hash() -> None:
    of = Waits()
    of.hasher._times.extend([100.0] * KEPT_TIMES)
    assert not of.hasher.check(HASHED, "another")
    (waited,) = of.waits
    assert 99 < waited < 100
    assert of.hasher.check(HASHED, "secret")
    assert len(of.waits) == 1


def test_first_refusal_of_a_process_computes_an_own_hash() -> None:
    of = Waits()
    assert not of.hasher.check(HASHED, "another")
    assert (len(of.hasher._times), of.waits) == (1, [])
    assert not of.hasher.check(HASHED, "another")
    assert (len(of.hasher._times), len(of.waits)) == (1, 1)


def test_only_times_of_the_configured_method_are_kept() -> None:
    of = Waits()
    own = of.hasher.hash("secret")
    assert of.hasher.check(own, "secret")
    assert of.hasher.check(PasswordHasher("scrypt:512:8:1").hash("secret"), "secret")
    assert len(of.hasher._times) == 2


@pytest.mark.parametrize("hashed", [COSTLY, FIREBASE, "plain text"])
def test_hash_that_cannot_be_checked_takes_one_own_hash(
    hashed: str, caplog: pytest.LogCaptureFixture
) -> None:
    of = Waits()
    with caplog.at_level(logging.CRITICAL, logger="auth"):
        assert not of.hasher.check(hashed, "secret")
    assert (len(of.hasher._times), of.waits) == (1, [])
    assert not of.hasher.is_readable(hashed)


def test_key_of_a_project_is_looked_up_by_the_id_in_the_hash() -> None:
    asked: list[str] = []

    def find_key(key_id: str) -> ProjectKey | None:
        asked.append(key_id)
        return None

    assert not PasswordHasher(METHOD, find_key).is_readable(FIREBASE)
    assert asked == ["0123456789ab"]
