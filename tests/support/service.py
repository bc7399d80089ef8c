"""Shared helpers: a clock moved by hand, and shortcuts through the API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, text
from werkzeug.test import TestResponse

from models import db
from tests.support import fast_beginnings
from utils.passwords.hashing import PasswordHasher

T = TypeVar("T")
PASSWORD = "correct horse battery"
USUAL_NAMES = {"ada", "grace", "bob"}  # what they do first is recorded: `fast_beginnings`
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FixedClock:
    """A clock that moves only when the test moves it."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class CountingHasher:
    """Counts the hashes computed by the hasher it wraps."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped
        self.calls = 0

    def hash(self, password: str) -> str:
        self.calls += 1
        return str(self.wrapped.hash(password))

    def check(self, hashed: str, password: str) -> bool:
        self.calls += 1
        return bool(self.wrapped.check(hashed, password))

    def is_readable(self, hashed: str) -> bool:
        return bool(self.wrapped.is_readable(hashed))

    def is_outdated(self, hashed: str) -> bool:
        return bool(self.wrapped.is_outdated(hashed))


class Interrupted(PasswordHasher):
    """Runs a callback, once, while a password is hashed or checked."""

    def __init__(self) -> None:
        super().__init__("scrypt:256:8:1")
        self.meanwhile: Callable[[], object] | None = None

    def _interrupt(self) -> None:
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            happens()

    def hash(self, password: str) -> str:
        self._interrupt()
        return super().hash(password)

    def check(self, hashed: str, password: str) -> bool:
        self._interrupt()
        return super().check(hashed, password)


def engine_of(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


def wait_for_no_lock(app: Flask) -> None:
    """Let SQLite refuse at once what another connection has locked, not after five seconds."""

    @event.listens_for(engine_of(app), "connect", insert=True)  # before the statements of the service
    def refuse_at_once(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=0").close()

    engine_of(app).dispose()  # connections that were made before wait


def shut_down(app: Flask) -> None:
    """Stop the threads of an app and close its connections, as the end of its process does."""
    built = app.extensions["auth_services"]
    built.pruning.stop()
    built.delivery.stop()
    built.notices.stop()
    built.counting.stop()
    engine_of(app).dispose()


def checked_out(app: Flask) -> int:
    """Return how many connections of the app's pool are in use, besides those that are kept for reads."""
    with app.app_context():
        app.extensions["auth_services"].reads.close()
        return int(db.engine.pool.checkedout())  # type: ignore[attr-defined]  # a pool of one has it not


def register(client: FlaskClient, name: str = "ada", **more: Any) -> TestResponse:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    if name in USUAL_NAMES and not more:
        return fast_beginnings.post(client, "/auth/register", body)
    return client.post("/auth/register", json=body | more)


def login(client: FlaskClient, name: str = "ada", password: str = PASSWORD, **more: Any) -> TestResponse:
    headers = more.pop("headers", None)
    body = {"username": name, "password": password} | more
    if name in USUAL_NAMES and password == PASSWORD and not (more or headers):
        return fast_beginnings.post(client, "/auth/login", body)
    return client.post("/auth/login", json=body, headers=headers)


def signed_in(client: FlaskClient, name: str = "ada", **more: Any) -> dict[str, Any]:
    """Register (unless registered) and log in; return the login's body."""
    register(client, name)
    answer = login(client, name, **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    return body


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/auth/refresh", json={"refresh_token": token})


def me(client: FlaskClient, token: str) -> TestResponse:
    return client.get("/auth/me", headers=bearer(token))


def rows(app: Flask, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    """Query the database directly."""
    with app.app_context(), db.engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(text(sql), parameters)]


def execute(app: Flask, sql: str, **parameters: Any) -> None:
    """Change the database directly."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(sql), parameters)


def ended_connections(engine: Engine) -> int:
    """Make Postgres end every other connection to this database; return their number."""
    ends = text(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    outside = create_engine(engine.url)
    with outside.connect() as connection:
        found = int(connection.execute(ends).scalar_one())
    outside.dispose()
    return found


def events(app: Flask) -> list[str]:
    """Return the events of the audit log, oldest first."""
    return [row["event"] for row in rows(app, "SELECT event FROM audit_events ORDER BY id")]


def last_event(app: Flask) -> dict[str, Any]:
    return rows(app, "SELECT * FROM audit_events ORDER BY id DESC LIMIT 1")[0]


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run the calls in threads released together; return their results in order."""
    barrier, results = Barrier(len(calls)), dict[int, T]()

    def run(number: int) -> None:
        barrier.wait()
        results[number] = calls[number]()

    threads = [Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(len(calls))]
