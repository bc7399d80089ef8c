"""Files with the key of a project: what Firebase's console shows, and Flask-Security's salt."""

import pytest

from tests.support.imports import FIREBASE
from utils.passwords.project_keys import (
    FirebaseKey,
    FlaskSecurityKey,
    firebase_key,
    flask_security_key,
    from_bytes,
    to_bytes,
)

JSON = (
    '{"algorithm": "SCRYPT", "base64_signer_key": "c2lnbmVy", "base64_salt_separator": "Bw==", "rounds": 8,'
    ' "mem_cost": 14}'
)


def test_firebase_parameters_are_read_as_the_console_shows_them_and_as_json() -> None:
    assert firebase_key(JSON) == FirebaseKey(b"signer", b"\x07", 8, 14)
    found = firebase_key(FIREBASE)
    assert (len(found.signer_key), found.salt_separator, found.rounds, found.memory_cost) == (
        64,
        b"\x07",
        8,
        14,
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SCRYPT", "BCRYPT", "another algorithm"),
        ("c2lnbmVy", "c2l", "no base64 in base64_signer_key"),
        ("Bw==", "", "lacks base64_salt_separator"),
        ('"rounds": 8', '"rounds": 9', "rounds from 1 to 8"),
        ('"mem_cost": 14', '"mem_cost": 18', "mem_cost from 1 to 17"),
        ('"mem_cost": 14', '"mem_cost": 0', "mem_cost from 1 to 17"),
        (JSON, "", "lacks base64_signer_key, base64_salt_separator, rounds, mem_cost"),
    ],
)
def test_firebase_parameters_with_a_fault_are_refused_without_quoting_them(
    old: str, new: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refusal:
        firebase_key(JSON.replace(old, new))
    assert "c2l" not in str(refusal.value)


def test_flask_security_salt_is_one_line() -> None:
    assert flask_security_key("a salt \n") == FlaskSecurityKey(b"a salt ")
    assert flask_security_key("a salt\r\n") == FlaskSecurityKey(b"a salt")
    for text in ("", "\n", "two\nlines\n"):
        with pytest.raises(ValueError, match="one line"):
            flask_security_key(text)


def test_keys_survive_their_storage() -> None:
    for key in (firebase_key(FIREBASE), FlaskSecurityKey("sält".encode())):
        assert from_bytes(to_bytes(key)) == key
