"""Secret settings: short, sample, reused and public-key values are refused."""

import base64
import json
import os
from pathlib import Path

import pytest

from config import config_by_name
from tests.support.production import faults, load

PEM = (
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----"
)
JWK = {"kty": "RSA", "e": "AQAB", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri"}
DER = base64.b64encode(b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" + bytes(range(32))).decode()
KEY_MATERIAL = {
    "PEM": PEM,
    "PEM in one line": PEM.replace("\n", "\\n"),
    "PEM with a mark": "\ufeff" + PEM,
    "SSH": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbkVlZ2rX0Yqf7kqC3hVtT0l1mS2dWQ me@host",
    "SSH ecdsa": "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY= me@host",
    "DER": DER,
    "DER in lines": DER[:40] + "\n" + DER[40:],
    "DER, URL-safe": DER.replace("+", "-").replace("/", "_").rstrip("="),
    "JWK": json.dumps(JWK),
    "JWKS": json.dumps({"keys": [JWK]}),
    "JWK with a mark": "\ufeff" + json.dumps(JWK),
    "JWK after a space": "  \n" + json.dumps(JWK),
    "list of JWK": json.dumps([JWK]),
}
SAMPLES = {
    "jwt.io's": "a-string-secret-at-least-256-bits-long",
    "jwt.io's old one, twice": "your-256-bit-secretyour-256-bit-secret",
    "tutorial's": "super-secret-key-for-my-flask-application",
    "to be changed": "CHANGE-ME-change-me-CHANGE-ME-change-me",
    "one letter": "a" * 64,
    "few letters": "abcabcab" * 8,
    "that of testing": config_by_name["testing"].JWT_SECRET_KEY or "",
}


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "JWT_SECRET_KEY"])
@pytest.mark.parametrize("length", [None, 0, 5, 31])
def test_a_missing_or_short_secret_is_refused(name: str, length: int | None) -> None:
    text = None if length is None else "Zt8Lw1Xc6Rb9Np4Ky7Jm2Hd5Gf0SaTuE"[:length]
    (told,) = faults(**{name: text})
    assert told.startswith(name)
    assert load(**{name: "Zt8Lw1Xc6Rb9Np4Ky7Jm2Hd5Gf0SaTuE"})


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "JWT_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"])
@pytest.mark.parametrize("key", KEY_MATERIAL.values(), ids=KEY_MATERIAL.keys())
def test_key_material_of_another_kind_is_refused_as_secret(name: str, key: str, tmp_path: Path) -> None:
    (told,) = faults(**{name: key})
    assert told.startswith(name)
    (tmp_path / "key").write_text(key, encoding="utf-8")
    first, *_ = faults(**{name: None, f"{name}_FILE": str(tmp_path / "key")})
    assert first.startswith(name)


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "JWT_SECRET_KEY"])
@pytest.mark.parametrize("secret", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_sample_secret_is_refused(name: str, secret: str) -> None:
    assert faults(**{name: secret}) == [f"{name} holds a sample value."]


def test_random_secrets_are_accepted() -> None:
    for _ in range(200):
        made = (os.urandom(24), os.urandom(32), os.urandom(48))
        for text in (*(base64.b64encode(raw).decode() for raw in made), made[1].hex()):
            assert load(JWT_SECRET_KEY=text)


@pytest.mark.parametrize("text", [" " * 40, "=" * 40, "{" * 40, "[" * 40, "MJYA" + "A" * 28])
def test_low_entropy_or_malformed_secret_is_refused(text: str) -> None:
    first, *_ = faults(JWT_SECRET_KEY=text)
    assert first.startswith("JWT_SECRET_KEY ")


@pytest.mark.parametrize(
    "names",
    [
        ("FLASK_SECRET_KEY", "JWT_SECRET_KEY"),
        ("JWT_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"),
        ("FLASK_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"),
        ("FLASK_PREVIOUS_SECRET_KEYS", "JWT_PREVIOUS_SECRET_KEYS"),
    ],
)
def test_a_secret_used_twice_is_refused(names: tuple[str, str]) -> None:
    told = faults(**dict.fromkeys(names, "Zt8Lw1Xc6Rb9Np4Ky7Jm2Hd5Gf0SaTuE"))
    assert told == ["Two secrets have the same value; each must be a different random value."]
