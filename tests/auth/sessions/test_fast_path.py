"""The fast path of a guarded call: what it asks, what it remembers, and connections that died meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, text

from models import db
from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.service import FixedClock, bearer, login, me, register, signed_in
from utils.crypto import access_tokens


def engine_of(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """The statements, beginnings and ends of transactions from now on."""
    found: list[str] = []

    def statement(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        found.append(sql.split(maxsplit=1)[0])

    def commit(_connection: Any) -> None:
        found.append("COMMIT")

    engine = engine_of(app)
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    yield found
    event.remove(engine, "before_cursor_execute", statement)
    event.remove(engine, "commit", commit)


def test_a_guarded_call_asks_one_thing_and_writes_nothing(
    client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    access = signed_in(client)["access_token"]
    asked: list[str] = request.getfixturevalue("asked")
    for path in ("/auth/me", "/auth/verify"):
        assert client.get(path, headers=bearer(access)).status_code in {200, 204}
    assert asked == ["SELECT", "SELECT"]


@ON_POSTGRES
def test_on_postgres_it_is_in_no_transaction(app: Flask, client: FlaskClient) -> None:
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    modes: list[bool] = []

    def note(_c: Any, cursor: Any, _sql: str, _p: Any, _context: Any, _many: bool) -> None:
        modes.append(cursor.connection.autocommit)

    event.listen(engine, "before_cursor_execute", note)
    assert me(client, access).status_code == 200
    assert modes == [True]
    assert client.patch("/auth/me", json={"username": "countess"}, headers=bearer(access)).status_code == 200
    assert modes[1] is True  # who is calling
    assert not any(modes[2:])  # and what is changed, in a transaction
    assert len(modes) > 2
    event.remove(engine, "before_cursor_execute", note)


def test_a_token_is_looked_at_once_and_its_time_every_time(client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    before = access_tokens._verified.cache_info()
    for _ in range(3):
        assert me(client, access).status_code == 200
    after = access_tokens._verified.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    clock.advance(timedelta(hours=1).total_seconds())
    assert me(client, access).status_code == 401


def test_a_forgery_of_a_remembered_token_is_not_that_token(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert me(client, access).status_code == 200
    head, body, signature = access.split(".")
    before = access_tokens._verified.cache_info().currsize
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body}.{signature}=", access[:-1]):
        assert me(client, forged).status_code == 401
    assert access_tokens._verified.cache_info().currsize == before  # forgeries take no room


def test_a_remembered_token_ends_with_its_key_its_session_and_its_issuer(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app()
    client = app.test_client()
    access, other = signed_in(client)["access_token"], signed_in(client)["access_token"]
    assert [me(client, token).status_code for token in (access, other)] == [200, 200]
    app.config["JWT_SECRET_KEY"] = "another-key-of-enough-bytes-for-hs256-5c1d"
    assert me(client, access).status_code == 401
    elsewhere = make_app({"JWT_ISSUER": "https://elsewhere.example"}).test_client()
    assert me(elsewhere, access).status_code == 401
    again = make_app().test_client()
    assert me(again, access).status_code == 200
    assert again.post("/auth/logout", headers=bearer(access)).status_code == 204
    assert [me(again, token).status_code for token in (access, other)] == [401, 200]


def ended_connections(engine: Engine) -> int:
    """Have Postgres end every connection to this database but the one that asks; how many there were."""
    ends = text(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    outside = create_engine(engine.url)
    with outside.connect() as connection:
        found = int(connection.execute(ends).scalar_one())
    outside.dispose()
    return found


@ON_POSTGRES
def test_connections_that_the_server_ended_are_replaced_and_nobody_notices(
    app: Flask, client: FlaskClient
) -> None:
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    assert ended_connections(engine) > 0
    assert me(client, access).status_code == 200
    assert ended_connections(engine) > 0
    assert register(client, "grace").status_code == 201
    assert ended_connections(engine) > 0
    assert login(client).status_code == 200


@ON_POSTGRES
def test_a_connection_that_breaks_under_a_read_is_replaced_once(app: Flask, client: FlaskClient) -> None:
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    broken: list[int] = []

    def break_it(*_: Any) -> None:
        if not broken:
            broken.append(ended_connections(engine))

    event.listen(engine, "before_cursor_execute", break_it)
    assert me(client, access).status_code == 200
    event.remove(engine, "before_cursor_execute", break_it)
    assert broken[0] > 0


@ON_POSTGRES
@pytest.mark.provokes_errors
def test_a_server_that_ends_each_new_connection_is_away(app: Flask, client: FlaskClient) -> None:
    """So does one that is just being stopped, for a moment."""
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    engine.dispose()

    def end_it(*_: Any) -> None:
        ended_connections(engine)

    event.listen(engine, "connect", end_it)
    calls = [client.get("/health/ready"), register(client, "grace"), me(client, access)]
    event.remove(engine, "connect", end_it)
    assert [(call.status_code, call.get_json()["code"]) for call in calls] == [(503, "unavailable")] * 3
    assert client.get("/health/ready").status_code == 200
