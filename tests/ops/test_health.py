"""Health endpoints: liveness runs no query, readiness checks the database."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, text

from models import db
from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.service import ended_connections, execute, register, rows
from utils.database.engine import POOL_SIZE
from utils.database.readiness import Readiness, _engine_of_one


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Yield the SQL statements run on any engine from now on."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, sql: str, _p: object, _context: object, _many: bool) -> None:
        asked.append(sql)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_liveness_runs_no_query_and_readiness_does(client: FlaskClient, statements: list[str]) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    assert statements == []
    assert client.get("/health/ready").get_json() == {"status": "ok"}
    assert statements


def test_missing_schema_is_not_ready(app: Flask, client: FlaskClient) -> None:
    revision = rows(app, "SELECT version_num FROM alembic_version")[0]["version_num"]
    execute(app, "DELETE FROM alembic_version")
    try:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "5"
        execute(app, "INSERT INTO alembic_version VALUES ('of_the_future')")
        assert client.get("/health/ready").status_code == 200
    finally:
        execute(app, "DELETE FROM alembic_version")
        execute(app, "INSERT INTO alembic_version VALUES (:revision)", revision=revision)
    assert client.get("/health/ready").status_code == 200


def test_readiness_does_not_need_a_connection_of_the_pool(app: Flask, client: FlaskClient) -> None:
    with ExitStack() as taken:
        with app.app_context():
            for _ in range(POOL_SIZE):
                taken.enter_context(db.engine.connect())
        assert client.get("/health/ready").status_code == 200


@ON_POSTGRES
def test_readiness_replaces_a_connection_that_the_server_ended(app: Flask, client: FlaskClient) -> None:
    assert client.get("/health/ready").status_code == 200
    with app.app_context():
        assert ended_connections(db.engine) > 0
    assert client.get("/health/ready").status_code == 200


@ON_POSTGRES
def test_forked_process_does_not_end_the_readiness_connection_of_its_parent(database_uri: str) -> None:
    engine = create_engine(database_uri)
    own = _engine_of_one(engine, database_uri)
    with own.connect() as connection:
        driver = connection.connection.driver_connection
    if (child := os.fork()) == 0:
        try:
            engine.dispose(close=False)  # as the kept connections do after a fork
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with own.connect() as connection:
        assert connection.connection.driver_connection is driver
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


@pytest.mark.provokes_errors
def test_hanging_check_is_a_503_in_time(make_app: AppFactory, caplog: pytest.LogCaptureFixture) -> None:
    released = Event()
    client = make_app(readiness=Readiness(released.wait, timeout=0.01)).test_client()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert "CheckTimeout" in {record.__dict__.get("error") for record in caplog.records}
    released.set()


@pytest.mark.provokes_errors
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_missing_database_is_live_and_not_ready(make_app: AppFactory, tmp_path: Path, kind: str) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        uri = f"postgresql://nobody:canary@127.0.0.1:{deaf.getsockname()[1]}/nothing"
        if kind == "sqlite":
            uri = f"sqlite:///{tmp_path}/no/such/folder/canary.db"
        client = make_app({"DATABASE_URI": uri}).test_client()
        assert client.get("/health/live").status_code == 200
        for answer in (client.get("/health/ready"), register(client)):
            assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
            assert "canary" not in answer.get_data(as_text=True)
