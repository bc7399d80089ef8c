"""The key ring: what signs, what verifies, and when a process reads the keys."""

from functools import partial
from typing import Any

import jwt
import pytest
from flask import Flask

from models import db
from tests.conftest import AppFactory
from tests.support.service import START, at_once, rows
from tests.support.signing_keys import CachedKeys
from utils.services import services

NOW = START.timestamp()
CLAIMS = {"aud": "app", "sub": "1", "iat": NOW, "exp": NOW + 600}


def signed(app: Flask, alg: str = "ES256", typ: str = "at+jwt", **claims: Any) -> str:
    with app.app_context():
        token = services().signer.sign(services(), alg, typ, CLAIMS | claims)
        db.session.commit()
        return token


def read(app: Flask, token: str, typ: str = "at+jwt", **options: Any) -> Any:
    with app.app_context():
        return services().signer.read(services(), token, typ, **options)


def published(app: Flask) -> list[str]:
    with app.app_context():
        return [key["kid"] for key in services().signer.published(services())]


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_signed_token_is_read_and_names_issuer_and_key(app: Flask, alg: str) -> None:
    token = signed(app, alg, "JWT")
    header = jwt.get_unverified_header(token)
    assert read(app, token, "JWT") == CLAIMS | {"iss": "http://localhost:8000"}
    assert header == {"alg": alg, "typ": "JWT", "kid": header["kid"]}
    assert header["kid"] in published(app)


def test_first_keys_are_made_once_by_the_first_call(app: Flask) -> None:
    assert not rows(app, "SELECT kid FROM signing_keys")
    signed(app)
    signed(app, "RS256")
    found = rows(app, "SELECT alg, predecessor FROM signing_keys ORDER BY alg")
    assert found == [{"alg": "ES256", "predecessor": ""}, {"alg": "RS256", "predecessor": ""}]


def test_first_keys_of_a_transaction_that_is_rolled_back_are_not_kept(app: Flask) -> None:
    with app.app_context():
        token = services().signer.sign(services(), "ES256", "JWT", CLAIMS)
        services().signer.sign(services(), "ES256", "JWT", CLAIMS)
        db.session.rollback()
    assert read(app, token, "JWT") is None
    assert not rows(app, "SELECT kid FROM signing_keys")
    again = signed(app)
    assert read(app, again)


@pytest.mark.both_databases
def test_concurrent_first_calls_of_two_machines_store_one_key_of_each_algorithm(make_app: AppFactory) -> None:
    machines = [make_app(make_signing_key=CachedKeys(number)) for number in range(2)]
    tokens = at_once([partial(signed, machines[number % 2]) for number in range(16)])
    assert len(rows(machines[0], "SELECT kid FROM signing_keys")) == 2
    assert all(read(machine, token) for token in tokens for machine in machines)
