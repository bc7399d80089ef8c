"""PKCE as a function (RFC 7636), and the reasons that operators see."""

import base64
from hashlib import sha256

import pytest
from flask import Flask

from oauth.token import pkce
from tests.support.oauth import client_row
from tests.support.oauth_tokens import code_of, reasons, redeem


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def test_example_of_the_rfc() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce.matches(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@pytest.mark.parametrize("verifier", ["a" * 43, "a" * 128, "AZaz09-._~" * 5])
def test_well_formed_verifier_matches_its_challenge(verifier: str) -> None:
    assert pkce.matches(verifier, challenge(verifier))


MALFORMED = [
    "",
    "a" * 42,
    "a" * 129,
    "a" * 43 + "\n",
    "\n" + "a" * 43,
    "a" * 43 + " ",
    "a" * 43 + "=",
    "é" * 43,
]


@pytest.mark.parametrize("verifier", MALFORMED)
def test_verifier_is_compared_as_a_whole(verifier: str) -> None:
    assert not pkce.matches(verifier, challenge(verifier))


def test_challenge_itself_is_no_verifier_and_plain_does_not_exist() -> None:
    verifier = "a" * 43
    assert not pkce.matches(challenge(verifier), challenge(verifier))
    assert not pkce.matches(verifier, verifier)


@pytest.mark.parametrize(
    ("verifier", "reason"),
    [(None, "verifier_missing"), ("", "verifier_missing"), ("w" * 43, "verifier_wrong")],
)
def test_missing_verifier_has_a_reason_of_its_own(app: Flask, verifier: str | None, reason: str) -> None:
    client_row(app)
    redeem(app, code_of(app), code_verifier=verifier)
    assert reasons(app) == {reason}
