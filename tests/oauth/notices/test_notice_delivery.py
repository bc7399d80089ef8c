"""Back-channel logout: what a client is told, how often it is tried, and that a crash loses nothing."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth import tokens
from oauth.notices import delivery
from tests.support.grants import end_bound, grant_row, session_ids, written
from tests.support.oauth import client_row
from tests.support.service import START, FixedClock, at_once, bearer, execute, rows, signed_in
from utils.outgoing import CallFailed
from utils.services import services

TELL_ME = "https://app.example.com/backchannel"


class Clients:
    """Clients that are called: `failing` ones do not answer. Records what they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.failing: set[str] = set()
        self.headers: list[dict[str, str]] = []

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        expected: Sequence[int] = (200,),
        max_answer: int = 0,
    ) -> bytes:
        assert (method, tuple(expected), bool(max_answer)) == ("POST", (200, 204), True)
        (token,) = parse_qs(body)["logout_token"]
        self.told.append((url, jwt.decode(token, options={"verify_signature": False})))
        self.headers.append({**(headers or {}), "token": token})
        if url in self.failing:
            raise CallFailed("no connection")
        return b""


@pytest.fixture
def clients() -> Clients:
    return Clients()


@pytest.fixture
def app(make_app: Any, clients: Clients) -> Flask:
    made: Flask = make_app(fetch=clients)
    client_row(made, "app", backchannel_uri=TELL_ME)
    return made


def outcome(app: Flask) -> str | None:
    with app.app_context():
        return delivery.try_next(services())


def outcomes(app: Flask) -> list[str]:
    return [*iter(lambda: outcome(app), None)]


def notices(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT * FROM oauth_notices ORDER BY created_at, id")


def logged_out(app: Flask, client: FlaskClient, name: str = "ada", client_id: str = "app") -> str:
    """Log in, give the client a grant, log out, and return the `sid`."""
    pair = signed_in(client, name)
    (user,) = rows(app, f"SELECT id FROM users WHERE username = '{name}'")
    (session,) = session_ids(app, user["id"])
    grant_row(app, session, client_id, user_id=user["id"])
    client.post("/auth/logout", headers=bearer(pair["access_token"]))
    return tokens.sid(session, client_id)


def test_logout_token_has_the_claims_of_the_specification(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    sid = logged_out(app, client)
    clock.advance(5)
    assert outcomes(app) == ["sent"]
    ((url, claims),) = clients.told
    (notice,) = notices(app)
    now = int(clock.now().timestamp())
    assert url == TELL_ME
    jti = claims.pop("jti").replace("-", "")
    assert jti == str(notice["id"]).replace("-", "")
    assert claims == {
        "iss": "http://localhost:8000",
        "aud": "app",
        "sub": "1",
        "sid": sid,
        "iat": now,  # made at delivery
        "exp": now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    header = jwt.get_unverified_header(clients.headers[0]["token"])
    assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
    assert clients.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"
    assert outcomes(app) == []


def test_fault_43_logout_token_is_signed_and_no_id_token_hint_or_access_token(
    app: Flask, client: FlaskClient, clients: Clients
) -> None:
    logged_out(app, client)
    outcomes(app)
    token = clients.headers[0]["token"]
    with app.app_context():
        signer = services().signer
        assert signer.read(services(), token, "logout+jwt") is not None
        assert signer.read(services(), token, "JWT", allow_expired=True) is None
        assert signer.read(services(), token, "at+jwt") is None
        head, body, _ = token.split(".")
        assert signer.read(services(), f"{head}.{body}.", "logout+jwt") is None


def test_client_that_does_not_answer_is_tried_after_1_2_4_seconds_and_given_up_after_ten_minutes(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    clients.failing.add(TELL_ME)
    logged_out(app, client)
    tried = []
    for second in range(700):
        if found := outcome(app):
            tried.append((second, found))
        clock.advance(1)
    times = [second for second, _ in tried]
    assert times[:8] == [0, 1, 3, 7, 15, 31, 63, 127]
    assert [word for _, word in tried[:-1]] == ["failed"] * (len(tried) - 1)
    assert tried[-1][1] == "given_up"
    assert 600 <= times[-1] < 665
    (notice,) = notices(app)
    assert (notice["due_at"], notice["sent_at"], notice["last_error"]) == (None, None, "no connection")
    assert notice["given_up_at"] is not None
    events = rows(app, "SELECT detail, count, user_id FROM audit_events WHERE event = 'notice_given_up'")
    assert events == [{"detail": "app", "count": 1, "user_id": None}]
    assert len({claims["jti"] for _, claims in clients.told}) == 1


def test_answer_after_failures_is_enough(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    clients.failing.add(TELL_ME)
    logged_out(app, client)
    assert outcomes(app) == ["failed"]
    clients.failing.clear()
    assert outcomes(app) == []
    clock.advance(1)
    assert outcomes(app) == ["sent"]
    assert rows(app, "SELECT notice_failures AS n FROM oauth_clients") == [{"n": 0}]


def test_client_that_does_not_answer_holds_up_no_other(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    other = "https://other.example.com/backchannel"
    client_row(app, "other", backchannel_uri=other)
    clients.failing.add(TELL_ME)
    for name in ("ada", "bob", "eve"):
        logged_out(app, client, name)
    for name in ("kim", "lee"):
        logged_out(app, client, name, "other")
    assert sorted(outcomes(app)) == ["failed", "sent", "sent"]
    assert [url for url, _ in clients.told].count(TELL_ME) == 1


@pytest.mark.both_databases
def test_client_gets_one_notice_at_a_time(app: Flask, client: FlaskClient, clients: Clients) -> None:
    for name in ("ada", "bob"):
        logged_out(app, client, name)
    found: list[str | None] = []
    really = clients.ask

    def ask(*arguments: Any, **named: Any) -> bytes:
        if not found:
            found.append("asked")
            found.append(outcome(app))  # another deliverer, meanwhile
        return really(*arguments, **named)

    clients.ask = ask  # type: ignore[method-assign]
    assert outcome(app) == "sent"
    assert found == ["asked", None]
    assert outcomes(app) == ["sent"]


@pytest.mark.both_databases
def test_concurrent_deliverers_tell_each_notice_once(
    app: Flask, client: FlaskClient, clients: Clients
) -> None:
    for name in ("ada", "bob", "eve"):
        logged_out(app, client, name)
    at_once([lambda: outcomes(app) for _ in range(4)])
    outcomes(app)
    assert len(clients.told) == 3
    assert len({claims["jti"] for _, claims in clients.told}) == 3


@pytest.mark.both_databases
def test_notice_of_a_deliverer_that_was_killed_is_delivered_after_its_lease(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    logged_out(app, client)

    def killed(*_: Any, **__: Any) -> bytes:
        raise KeyboardInterrupt

    really, clients.ask = clients.ask, killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        outcome(app)
    clients.ask = really  # type: ignore[method-assign]
    assert outcomes(app) == []
    clock.advance(delivery.LEASE.total_seconds())
    assert outcomes(app) == ["sent"]


@pytest.mark.both_databases
def test_client_gets_one_notice_of_a_session(app: Flask, client: FlaskClient, clients: Clients) -> None:
    signed_in(client)
    (session,) = session_ids(app)
    for _ in range(3):
        grant_row(app, session)
    grant_row(app, session, offline=True)
    services_of = app.extensions["auth_services"]
    for _ in range(2):
        with app.app_context():
            services_of.listener.sessions_ended(services(), services().tx(), [session], START)
            services().tx().commit()
    assert len(written(app)) == 1


def test_erasure_of_the_account_does_not_lose_the_notice(
    app: Flask, client: FlaskClient, clients: Clients
) -> None:
    logged_out(app, client)
    execute(app, "DELETE FROM users")
    assert outcomes(app) == ["sent"]
    assert clients.told[0][1]["sub"] == "1"


@pytest.mark.parametrize("change", ["disabled_at = created_at", "backchannel_uri = NULL"])
def test_client_that_takes_no_notices_any_more_is_not_called(
    app: Flask, client: FlaskClient, clients: Clients, change: str
) -> None:
    logged_out(app, client)
    execute(app, f"UPDATE oauth_clients SET {change}")
    assert outcomes(app) == ["outdated"]
    assert clients.told == []
    assert notices(app)[0]["due_at"] is None


def test_backlog_of_a_client_that_answers_again_is_not_given_up_together(
    app: Flask, client: FlaskClient, clients: Clients, clock: FixedClock
) -> None:
    logged_out(app, client)
    logged_out(app, client, "bob")
    clock.advance(timedelta(minutes=11).total_seconds())  # no process delivered meanwhile
    clients.failing.add(TELL_ME)
    assert outcomes(app) == ["given_up"]
    clients.failing.clear()
    clock.advance(1)
    assert outcomes(app) == ["sent"]


def test_end_of_bound_grants_alone_writes_no_notice(
    app: Flask, client: FlaskClient, clients: Clients
) -> None:
    signed_in(client)
    (session,) = session_ids(app)
    grant_row(app, session)
    end_bound(app, session)
    assert outcomes(app) == []
    assert json.dumps(clients.told) == "[]"
