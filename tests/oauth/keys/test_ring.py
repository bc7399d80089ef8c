"""The key ring: what signs, what verifies, and when a process reads the keys."""

from functools import partial
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from auth.admin.account_expiry import Caller
from auth.roles.actors import operator
from models import db
from oauth.keys import rotation, sealing
from oauth.keys.errors import NoSigningKey
from tests.conftest import AppFactory
from tests.support.commands import auth
from tests.support.forged_client_tokens import Issuer, claims
from tests.support.oauth import client_row
from tests.support.service import START, FixedClock, at_once, engine_of, execute, rows
from tests.support.signing_keys import CachedKeys
from utils.crypto import jws
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


def test_first_keys_of_the_jwks_call_are_stored(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    told = client.get("/oauth/jwks").get_json()["keys"]
    assert [key["alg"] for key in told] == ["RS256", "ES256"]
    assert {key["kid"] for key in told} == {row["kid"] for row in rows(app, "SELECT kid FROM signing_keys")}


def test_keys_are_read_every_five_seconds_at_most(app: Flask, clock: FixedClock) -> None:
    token = signed(app)
    assert read(app, token)
    statements = selects(app)
    for _ in range(3):
        assert read(app, token)
        signed(app)
    clock.advance(4)
    assert read(app, token)
    assert not statements
    clock.advance(1)
    for _ in range(3):
        assert read(app, token)
        signed(app)
    assert len(statements) == 1


@pytest.mark.both_databases
def test_leaked_key_neither_signs_nor_verifies_after_five_seconds_in_another_process(
    make_app: AppFactory, clock: FixedClock
) -> None:
    here, there = make_app(), make_app()
    old = signed(here)
    assert read(there, old)
    kid = jwt.get_unverified_header(old)["kid"]
    with here.app_context():
        assert rotation.drop_leaked(services(), Caller(operator().client, "op"), kid)
    clock.advance(5)
    assert read(there, old) is None
    assert kid not in published(there)
    token = signed(there)
    assert jwt.get_unverified_header(token)["kid"] != kid
    assert read(there, token)


def test_clock_that_was_set_back_reads_again(app: Flask, clock: FixedClock) -> None:
    assert read(app, signed(app))
    statements = selects(app)
    clock.advance(-3600)
    published(app)
    assert len(statements) == 1


def test_unknown_kid_is_looked_up_at_most_every_five_seconds(app: Flask, clock: FixedClock) -> None:
    assert read(app, signed(app))
    statements = selects(app)
    made = Issuer("ES256", "at+jwt", *(CachedKeys(5)(alg) for alg in ("ES256", "RS256")))
    strange = made.signed(made.header(), claims())
    for _ in range(4):
        assert read(app, strange) is None
    clock.advance(4)
    assert read(app, strange) is None
    assert not statements
    clock.advance(1)
    for _ in range(4):
        assert read(app, strange) is None
    assert len(statements) == 1
    for other in ("../../etc/passwd", "A" * 44, ""):
        clock.advance(6)
        assert read(app, made.signed(made.header(kid=other), claims())) is None
    assert len(statements) == 1  # no `kid` of ours has this form


@pytest.mark.both_databases
def test_token_of_a_key_that_this_machine_lacks_is_accepted_within_five_seconds(
    make_app: AppFactory, clock: FixedClock
) -> None:
    here, there = make_app(), make_app()
    old = signed(here)
    assert read(there, old)
    clock.advance(1)
    kid = jwt.get_unverified_header(old)["kid"]
    with here.app_context():
        assert rotation.drop_leaked(services(), Caller(operator().client, "op"), kid)
    clock.advance(4)
    token = signed(here)  # this process has read the keys again
    assert jwt.get_unverified_header(token)["kid"] != kid
    assert read(there, token)
    assert read(here, old) is None
    assert read(there, old) is None


def test_loaded_private_keys_stay_in_memory(
    app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed(app)
    signed(app)
    clock.advance(120)
    monkeypatch.setattr(sealing, "private_key", lambda *_: pytest.fail("decrypted again"))
    assert read(app, signed(app))


def test_key_that_cannot_be_decrypted_is_a_503_until_another_one_can(make_app: AppFactory) -> None:
    signed(make_app({"FLASK_SECRET_KEY": "o" * 40}))
    lost = make_app({"FLASK_SECRET_KEY": "n" * 40}, make_signing_key=CachedKeys(3))
    with pytest.raises(NoSigningKey):
        signed(lost)
    assert auth(lost, "rotate-keys").exit_code == 0
    again = make_app({"FLASK_SECRET_KEY": "n" * 40})
    assert read(again, signed(again))


def test_neither_row_nor_secret_alone_signs(make_app: AppFactory) -> None:
    first = make_app()
    signed(first)
    kids = [row["kid"] for row in rows(first, "SELECT kid FROM signing_keys ORDER BY alg")]
    (sealed,) = rows(first, "SELECT sealed_private FROM signing_keys WHERE alg = 'ES256'")
    private = jws.to_bytes(CachedKeys()("ES256"))
    assert private not in bytes(sealed["sealed_private"])
    # The text of one row does not open in another one.
    swap = "UPDATE signing_keys SET sealed_private = :text WHERE kid = :kid"
    execute(first, swap, text=sealed["sealed_private"], kid=kids[1])
    with pytest.raises(NoSigningKey):
        signed(make_app(), "RS256")


def selects(app: Flask) -> list[str]:
    """Collect the statements that read keys."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM signing_keys" in statement:
            found.append(statement)

    event.listen(engine_of(app), "before_cursor_execute", note)
    return found
