"""Reads: statements on kept connections, which never outlive a fault, a fork or five minutes."""

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import bindparam, event, func, select, text
from sqlalchemy.exc import DBAPIError

from models import User, db
from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.memory_apps import memory_app
from tests.support.requests import asked, said
from tests.support.service import FixedClock, engine_of, execute, me, refresh, rows, signed_in
from utils.database import reads
from utils.database.engine import MAX_CONNECTION_AGE, engine_options

pytestmark = pytest.mark.both_databases


def kept_by(app: Flask) -> Any:
    """Return the kept connections of this app."""
    return app.extensions["auth_services"].reads._kept


def fill(app: Flask) -> list[Any]:
    """Open as many connections as are kept; return them as well."""
    with app.app_context():
        taken = [kept_by(app)._take() for _ in range(reads.MAX_KEPT)]
        for connection in taken:
            kept_by(app)._put_back(connection)
    return taken


def is_open(kept: Any) -> bool:
    """Return whether the driver's connection is open."""
    try:
        kept.driver.execute("SELECT 1").fetchone()
    except Exception:  # noqa: BLE001  (each driver has its own)
        return False
    return True


def pool_of(app: Flask) -> Any:
    with app.app_context():
        return db.engine.pool


def test_a_read_uses_a_kept_connection_again(make_app: AppFactory) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    me(app.test_client(), token)
    (first,) = kept_by(app)._idle
    me(app.test_client(), token)
    assert kept_by(app)._idle == [first]
    assert pool_of(app).checkedout() == 1


@ON_POSTGRES
def test_refresh_whose_answer_from_the_database_is_lost_returns_the_pair(
    make_app: AppFactory, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The UPDATE took effect, and is repeated: it finds the new generation, which the grace period allows."""
    client = make_app().test_client()
    old = refresh(client, signed_in(client)["refresh_token"]).get_json()["refresh_token"]
    clock.advance(60)
    first, lost = reads._CompiledRead.first, list[str]()

    def lose(self: Any, driver: Any, values: Any) -> Any:
        found = first(self, driver, values)
        if self._text.startswith("UPDATE") and not lost:
            lost.append("answer")
            raise psycopg.OperationalError("the connection was lost")
        return found

    monkeypatch.setattr(reads._CompiledRead, "first", lose)
    answer = refresh(client, old)
    assert (answer.status_code, lost) == (200, ["answer"])
    assert refresh(client, answer.get_json()["refresh_token"]).status_code == 200
    assert [row["generation"] for row in rows(client.application, "SELECT generation FROM sessions")] == [3]


def test_refresh_after_the_first_of_an_hour_is_one_statement(app: Flask, clock: FixedClock) -> None:
    client = app.test_client()
    token = refresh(client, signed_in(client)["refresh_token"]).get_json()["refresh_token"]
    clock.advance(60)
    with asked(app) as statements:
        assert refresh(client, token).status_code == 200
    assert len(statements) == (1 if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else 0)
    assert len(rows(app, "SELECT id FROM audit_events WHERE event = 'session_refreshed'")) == 1


def test_statement_with_a_literal_parameter_uses_a_kept_connection(make_app: AppFactory) -> None:
    """SQLAlchemy renders the separator of an aggregate late; a driver cannot take it as a parameter."""
    app = make_app()
    signed_in(app.test_client())
    joined = select(func.aggregate_strings(User.username, ",")).where(User.id > bindparam("above"))
    with asked(app) as through_sqlalchemy:
        found = [app.extensions["auth_services"].reads.first(joined, {"above": above}) for above in (0, 1)]
    assert found == [("ada",), (None,)]
    assert through_sqlalchemy == []


def test_more_threads_than_connections_are_all_answered_and_few_are_kept(make_app: AppFactory) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    threads = 2 * reads.MAX_KEPT
    together = Barrier(threads)

    def call() -> set[int]:
        together.wait()
        return {me(app.test_client(), token).status_code for _ in range(5)}

    with ThreadPoolExecutor(threads) as pool:
        answers = [future.result() for future in [pool.submit(call) for _ in range(threads)]]
    assert answers == [{200}] * threads
    assert len(kept_by(app)._idle) <= reads.MAX_KEPT
    assert pool_of(app).checkedout() == len(kept_by(app)._idle)


def test_session_ended_by_another_process_is_refused_on_every_kept_connection(make_app: AppFactory) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    connections = fill(app)

    def answers() -> list[int]:
        """Return the answer on each connection."""
        found = []
        for connection in connections:
            kept_by(app)._idle[:] = [connection]
            found.append(me(app.test_client(), token).status_code)
            assert kept_by(app)._idle == [connection]
        kept_by(app)._idle[:] = connections
        return found

    assert answers() == [200] * reads.MAX_KEPT
    execute(make_app(), "UPDATE sessions SET ended_at = '2026-03-01 12:00:00', end_reason = 'logged_out'")
    assert answers() == [401] * reads.MAX_KEPT


def test_connection_with_a_fault_is_closed_and_the_statement_repeated(make_app: AppFactory) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    connections = fill(app)
    for connection in connections:
        connection.driver.close()
    assert me(app.test_client(), token).status_code == 200
    assert not set(kept_by(app)._idle) & set(connections)
    assert pool_of(app).checkedout() == len(kept_by(app)._idle)


def test_faulty_statement_closes_its_own_connection_only(make_app: AppFactory) -> None:
    app = make_app()
    *others, used = fill(app)
    with pytest.raises(DBAPIError):
        app.extensions["auth_services"].reads.first(select(func.no_such_function()), {})
    assert kept_by(app)._idle == others
    assert not is_open(used)


@pytest.mark.provokes_errors
@pytest.mark.parametrize("database_uri", ["sqlite"], indirect=True)
def test_read_of_a_locked_file_is_a_503_after_one_wait(make_app: AppFactory) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    engine_of(app).dispose()
    me(app.test_client(), token)
    (kept,) = kept_by(app)._idle
    assert kept.driver.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    kept.driver.execute("PRAGMA busy_timeout=0")
    repeated: list[str] = []
    event.listen(engine_of(app), "do_connect", lambda *_: repeated.append("on another connection"))
    with sqlite3.connect(engine_of(app).url.database or "") as other:
        other.execute("BEGIN EXCLUSIVE")
        assert said(me(app.test_client(), token)) == (503, "unavailable")
    other.close()
    assert repeated == []


@ON_POSTGRES
def test_connections_ended_by_the_server_are_replaced(make_app: AppFactory) -> None:
    app, other = make_app(), make_app()
    token = signed_in(app.test_client())["access_token"]
    fill(app)
    with other.app_context(), db.engine.connect() as operator:
        operator.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    answers = {me(app.test_client(), token).status_code for _ in range(reads.MAX_KEPT + 1)}
    assert answers == {200}


def test_connection_older_than_five_minutes_is_replaced(
    make_app: AppFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    token = signed_in(app.test_client())["access_token"]
    connections = fill(app)
    later = time.monotonic() + MAX_CONNECTION_AGE
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert me(app.test_client(), token).status_code == 200
    assert [is_open(connection) for connection in connections] == [False] * reads.MAX_KEPT


def test_pool_replaces_connections_older_than_five_minutes() -> None:
    for uri in ("sqlite:///a.db", "postgresql+psycopg://localhost/a"):
        assert engine_options(uri)["pool_recycle"] == MAX_CONNECTION_AGE == 300


def test_dispose_closes_kept_connections_and_those_in_use_later(make_app: AppFactory) -> None:
    app = make_app()
    *idle, in_use = fill(app)
    kept_by(app)._idle.remove(in_use)
    with app.app_context():
        db.engine.dispose()
    assert [is_open(connection) for connection in idle] == [False] * len(idle)
    kept_by(app)._put_back(in_use)
    assert kept_by(app)._idle == []
    assert not is_open(in_use)


def test_two_apps_do_not_share_connections(make_app: AppFactory) -> None:
    one, two = make_app(), make_app()
    token = signed_in(one.test_client())["access_token"]
    me(one.test_client(), token)
    me(two.test_client(), token)
    assert not set(kept_by(one)._idle) & set(kept_by(two)._idle)


def test_database_in_memory_keeps_no_connections() -> None:
    with memory_app() as app:
        assert kept_by(app) is None


def test_create_app_opens_no_connection(make_app: AppFactory) -> None:
    app = make_app()
    assert kept_by(app)._idle == []
    assert pool_of(app).checkedout() == 0


@pytest.mark.no_recordings  # which leave no write-ahead log
@pytest.mark.parametrize("database_uri", ["sqlite"], indirect=True)
def test_write_ahead_log_shrinks_under_load(make_app: AppFactory) -> None:
    app = make_app()
    with app.app_context():
        path = db.engine.url.database or ""
    token = signed_in(app.test_client())["access_token"]
    assert (log := Path(f"{path}-wal")).stat().st_size > 0
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(me, app.test_client(), token) for _ in range(60)]
        with sqlite3.connect(path, timeout=5) as other:
            busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        assert {call.result().status_code for call in calls} == {200}
    assert log.stat().st_size == 0


FORKING = """
import os, sys
from app import create_app
from config import Settings, TestingConfig
from models import db
from utils.database.migrations import upgrade
app = create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": sys.argv[1]}))
with app.app_context():
    upgrade(db.engine)
body = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
client = app.test_client()
client.post("/auth/register", json=body)
token = client.post("/auth/login", json=body).get_json()["access_token"]
def me():
    return app.test_client().get("/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code
kept = app.extensions["auth_services"].reads._kept
assert me() == 200 and len(kept._idle) == 1
child = os.fork()
if child == 0:
    own = kept._idle == [] and me() == 200 and len(kept._idle) == 1
    os._exit(0 if own else 1)
assert os.waitpid(child, 0)[1] == 0, "the child"
(before,) = kept._idle
assert me() == 200 and kept._idle == [before], "the parent"
"""


@pytest.mark.slow
def test_connections_are_not_shared_with_a_forked_process(database_uri: str) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, database_uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
