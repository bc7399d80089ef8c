"""The fast path of guarded calls: statements, cached token signatures, and replaced database connections."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.service import (
    FixedClock,
    bearer,
    ended_connections,
    engine_of,
    login,
    me,
    register,
    signed_in,
)
from utils.crypto import access_tokens
from utils.database.reads import _CompiledRead

pytestmark = pytest.mark.no_recordings  # a token of a recording is in the caches of the process


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """Yield the first words of the statements that SQLite executes from now on."""
    found: list[str] = []

    def trace(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(lambda sql: found.append(sql.split(maxsplit=1)[0]))

    engine = engine_of(app)
    event.listen(engine, "connect", trace)
    engine.dispose()  # new connections are traced
    yield found
    event.remove(engine, "connect", trace)


def test_guarded_call_runs_one_select_and_no_write(
    client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    access = signed_in(client)["access_token"]
    asked: list[str] = request.getfixturevalue("asked")
    for path in ("/auth/me", "/auth/verify"):
        assert client.get(path, headers=bearer(access)).status_code in {200, 204}
    assert asked == ["SELECT", "SELECT"]


@ON_POSTGRES
def test_guarded_read_on_postgres_uses_autocommit(app: Flask, client: FlaskClient) -> None:
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    modes: list[bool] = []

    def note(_c: Any, cursor: Any, _sql: str, _p: Any, _context: Any, _many: bool) -> None:
        modes.append(cursor.connection.autocommit)

    event.listen(engine, "before_cursor_execute", note)
    assert me(client, access).status_code == 200
    assert modes == []
    (kept,) = app.extensions["auth_services"].reads._kept._idle
    assert kept.driver.autocommit is True
    assert client.patch("/auth/me", json={"username": "countess"}, headers=bearer(access)).status_code == 200
    assert len(modes) > 1
    assert not any(modes)  # the change is made in a transaction
    event.remove(engine, "before_cursor_execute", note)


def test_token_signature_is_cached_and_expiry_is_checked_every_time(
    client: FlaskClient, clock: FixedClock
) -> None:
    access = signed_in(client)["access_token"]
    before = access_tokens._verified.cache_info()
    for _ in range(3):
        assert me(client, access).status_code == 200
    after = access_tokens._verified.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    clock.advance(timedelta(hours=1).total_seconds())
    assert me(client, access).status_code == 401


def test_forgery_of_a_cached_token_is_refused(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert me(client, access).status_code == 200
    head, body, signature = access.split(".")
    before = access_tokens._verified.cache_info().currsize
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body}.{signature}=", access[:-1]):
        assert me(client, forged).status_code == 401
    assert access_tokens._verified.cache_info().currsize == before  # forgeries take no room


def test_cached_token_is_refused_after_key_session_or_issuer_change(
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


@ON_POSTGRES
def test_connections_ended_by_the_server_are_replaced_without_an_error(
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
def test_connection_broken_during_a_read_is_replaced_once(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    broken: list[int] = []
    read = _CompiledRead.first

    def break_it(statement: _CompiledRead, driver: Any, values: Any) -> Any:
        broken.append(ended_connections(engine))
        return read(statement, driver, values)

    monkeypatch.setattr(_CompiledRead, "first", break_it)
    assert me(client, access).status_code == 200
    (ended,) = broken
    assert ended > 0


@ON_POSTGRES
@pytest.mark.provokes_errors
def test_server_that_ends_each_new_connection_is_a_503(app: Flask, client: FlaskClient) -> None:
    """A server that is shutting down does this for a moment."""
    engine = engine_of(app)
    access = signed_in(client)["access_token"]
    engine.dispose()

    def end_it(*_: Any) -> None:
        ended_connections(engine)

    event.listen(engine, "connect", end_it)
    calls = [register(client, "grace"), me(client, access)]
    event.remove(engine, "connect", end_it)
    assert [(call.status_code, call.get_json()["code"]) for call in calls] == [(503, "unavailable")] * 2
    assert me(client, access).status_code == 200
