"""Tokens of the provider: any deviation is refused, and no token of one key ring passes at the other."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import db
from tests.support.forged_client_tokens import CLAIMS, NOW, TYPES, Issuer, claims, forgeries
from tests.support.memory_apps import memory_app
from tests.support.oauth import SECRET, client_row
from tests.support.oauth_tokens import claims_of, got, userinfo
from tests.support.service import FixedClock, bearer, signed_in
from tests.support.signing_keys import CachedKeys
from utils.services import services
from utils.web.http import documentation

KINDS = [*product(("RS256", "ES256"), TYPES)]


@pytest.fixture(scope="module")
def memory() -> Iterator[Flask]:
    with memory_app(clock=FixedClock()) as app:
        with app.app_context():
            services().signer.published(services())  # makes the first keys
            db.session.commit()
        yield app


def issuer(alg: str, typ: str) -> Issuer:
    keys = CachedKeys()
    own = {name: keys(name) for name in ("RS256", "ES256")}
    return Issuer(alg, typ, own[alg], own["RS256" if alg == "ES256" else "ES256"])


def read(app: Flask, token: str, typ: str, **options: Any) -> Any:
    with app.app_context():
        return services().signer.read(services(), token, typ, **options)


@pytest.mark.parametrize(("alg", "typ"), KINDS)
def test_faults_29_30_and_31_forged_token_of_each_type_is_refused(memory: Flask, alg: str, typ: str) -> None:
    made = issuer(alg, typ)
    assert read(memory, made.signed(made.header(), claims()), typ) == claims(), (
        "the helper can make a genuine one"
    )
    passed = [name for name, token in forgeries(made).items() if read(memory, token, typ) is not None]
    assert not passed


@pytest.mark.parametrize(("alg", "typ"), KINDS)
def test_fault_29_expired_token_is_read_only_where_that_is_allowed(memory: Flask, alg: str, typ: str) -> None:
    made = issuer(alg, typ)
    old = made.signed(made.header(), claims(exp=NOW - 1))
    assert read(memory, old, typ) is None
    assert read(memory, old, typ, allow_expired=True) == claims(exp=NOW - 1)
    wrong = [name for name in CLAIMS if name != "exp now"]
    for name in wrong:
        token = made.signed(made.header(), claims(**CLAIMS[name]))
        assert read(memory, token, typ, allow_expired=True) is None, name


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_fault_29_every_flipped_bit_is_refused(memory: Flask, alg: str) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    made = issuer(alg, "JWT")
    token = made.signed(made.header(), claims())
    places = [at for at in range(len(token)) if token[at] != "."]
    with memory.app_context():
        signer = services().signer
        for place in places[:: 1 if alg == "ES256" else 5] + places[-1:]:
            value = alphabet.index(token[place])
            for bit in range(6):
                flipped = f"{token[:place]}{alphabet[value ^ 1 << bit]}{token[place + 1 :]}"
                assert signer.read(services(), flipped, "JWT") is None, (place, bit)


def test_fault_32_token_that_passed_one_check_is_still_refused_by_others(app: Flask) -> None:
    client = app.test_client()
    client_row(app)
    tokens = got(app, scopes=["openid", "email"])
    good = tokens["access_token"]
    assert [userinfo(client, good).status_code for _ in range(2)] == [200, 200]
    with app.app_context():
        elsewhere = claims_of(good) | {"aud": "https://api.example.com"}
        other = services().signer.sign(services(), "ES256", "at+jwt", elsewhere)
    assert userinfo(client, other).status_code == 401
    assert read(app, good, "at+jwt")
    assert read(app, good, "JWT") is None
    assert read(app, tokens["id_token"], "JWT")
    assert userinfo(client, tokens["id_token"]).status_code == 401


def test_fault_33_token_of_one_type_is_not_read_as_another(memory: Flask) -> None:
    for alg, typ in KINDS:
        made = issuer(alg, typ)
        token = made.signed(made.header(), claims())
        accepted = [other for other in TYPES if read(memory, token, other) is not None]
        assert accepted == [typ]


def test_fault_34_token_of_the_own_api_is_refused_at_the_provider(app: Flask, client: FlaskClient) -> None:
    ours = signed_in(client)["access_token"]
    client_row(app)
    assert client.get("/oauth/userinfo", headers=bearer(ours)).status_code == 401
    assert client.post("/oauth/userinfo", headers=bearer(ours)).status_code == 401
    assert client.post("/oauth/userinfo", data={"access_token": ours}).status_code == 401
    for typ in TYPES:
        assert read(app, ours, typ) is None


def test_fault_34_tokens_of_the_provider_are_refused_by_every_view_of_the_own_api(app: Flask) -> None:
    client = app.test_client()
    signed_in(client)
    with app.app_context():
        theirs = [
            services().signer.sign(services(), alg, typ, claims(aud=audience))
            for (alg, typ) in KINDS
            for audience in ("http://localhost:8000", "http://localhost:8000/oauth/userinfo", "app")
        ]
        db.session.commit()
    asked = 0
    for rule in app.url_map.iter_rules():
        if not documentation(app.view_functions[rule.endpoint]).guarded or not rule.rule.startswith("/auth"):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(next(p for p in path.split("/") if f"{name}>" in p or p == f"<{name}>"), "1")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            for token in theirs[:: 1 if path == "/auth/me" else 5]:
                answer = client.open(path, method=method, headers=bearer(token), json={})
                assert answer.status_code in {401, 404}, (method, path, answer.get_data())
                assert answer.status_code == 401 or "<uuid" in rule.rule
                asked += 1
    assert asked > 60


def test_fault_34_introspection_calls_tokens_of_the_own_api_inactive(app: Flask, client: FlaskClient) -> None:
    ours = signed_in(client)["access_token"]
    client_row(app, "api", kind="resource")
    answer = client.post("/oauth/introspect", data={"token": ours}, auth=("api", SECRET))
    assert answer.get_json() == {"active": False}
