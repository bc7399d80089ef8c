"""The steps with which most tests begin are taken once in a test process: register, log in, insert a client.

They change a new app on an empty database alike in each test. They are taken on a copy of the database, by an
app of their own; the result, and the database after it, are recorded, and every test gets a copy. What is
recorded is what the service itself did in this process: a rule that is broken is broken in the recording.

Only an untouched app takes a step from a recording: it has the usual services, no other call, command or
statement came before, its clock stands at the start, no fixture patches anything, and the thread is that of
the test, so that calls that race do race. Whether a step is recorded depends on its own test alone.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple, TypeVar, cast
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from app import create_app
from config import Settings
from config_values import is_in_memory
from models import db
from tests.support.signing_keys import CachedKeys

T = TypeVar("T")
_EXTENSION = "beginning"
_MAX_STEPS = 8  # an app takes more by itself
_KEPT = 200  # recordings of 0.5 MB


class _Clock(NamedTuple):
    """A clock that stands still."""

    start: datetime

    def now(self) -> datetime:
        return self.start


class _Recording(NamedTuple):
    database: bytes
    result: Any
    id: str


_recordings: dict[tuple[str, str], _Recording] = {}
_may_begin = True


def allow(*, may_begin: bool) -> None:
    """Decide whether the apps of the test that begins now may take steps from recordings."""
    global _may_begin  # noqa: PLW0603  (one for the process, as the recordings)
    _may_begin = may_begin


@contextmanager
def _app(settings: Settings, start: datetime) -> Iterator[Flask]:
    """Make an app for a recording, of which only errors are logged."""
    app = create_app(settings=settings, clock=_Clock(start), make_signing_key=CachedKeys())
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield app
    finally:
        logging.disable(disabled)
        app.extensions["auth_services"].reads.close()
        _engine(app).dispose()


def _engine(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


class _File:
    """A SQLite database in a file. While it is untouched, the time of its last change is 0."""

    def __init__(self, app: Flask) -> None:
        self.path = Path(_engine(app).url.database or "")

    def is_untouched(self) -> bool:
        return self.path.stat().st_mtime_ns == 0 and not self.path.with_name(f"{self.path.name}-wal").exists()

    def restore(self, content: bytes) -> None:
        self.path.write_bytes(content)
        mark_as_untouched(self.path)

    def recorded(self, settings: Settings, start: datetime, take: Callable[[Flask], Any]) -> _Recording:
        """Take a step in an app of its own, on a copy of this database."""
        path = self.path.with_name(f"{uuid4().hex}.db")
        path.write_bytes(self.path.read_bytes())
        with _app(replace(settings, database_uri=f"sqlite:///{path}"), start) as app:
            result = take(app)
        found = _Recording(_content(path), result, path.stem)
        path.unlink()
        return found


class _Memory:
    """A SQLite database in memory. While it is untouched, its connection has changed no row."""

    def __init__(self, app: Flask) -> None:
        with _engine(app).connect() as connection:
            self.driver = cast(Any, connection.connection.driver_connection)
        self.changes = self.driver.total_changes

    def is_untouched(self) -> bool:
        return bool(self.driver.total_changes == self.changes and not self.driver.in_transaction)

    def restore(self, content: bytes) -> None:
        self.driver.deserialize(content)

    def recorded(self, settings: Settings, start: datetime, take: Callable[[Flask], Any]) -> _Recording:
        """Take a step in an app of its own, on a copy of this database."""
        with _app(settings, start) as app:
            copy = _Memory(app)
            copy.restore(self.driver.serialize())
            result = take(app)
            return _Recording(copy.driver.serialize(), result, uuid4().hex)


class _Beginning:
    """The steps that an app has taken from recordings, and its database."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.steps = 0
        self.database = _Memory(app) if is_in_memory(settings.database_uri) else _File(app)
        self.settings, self.thread = settings, get_ident()
        self.services, self.config = app.extensions["auth_services"], dict(app.config)
        self.start = self.services.clock.now()
        alike = (type(self.database).__name__, str(self.start), *astuple(replace(settings, database_uri="")))
        self.after = repr(alike)  # the id of the last recording, or what recordings of the first step need

    def is_all_of(self, app: Flask) -> bool:
        """Whether nothing but these steps can have changed the app or its database."""
        return (
            self.steps < _MAX_STEPS
            and self.thread == get_ident()
            and not app._got_first_request
            and app.extensions["auth_services"] is self.services
            and dict(app.config) == self.config
            and self.services.clock.now() == self.start
            and self.database.is_untouched()
        )

    def take(self, what: str, take: Callable[[Flask], T]) -> T:
        """Take a step after those that were taken."""
        key = (self.after, what)
        if key not in _recordings:
            _recordings[key] = self.database.recorded(self.settings, self.start, take)
            if len(_recordings) > _KEPT:
                del _recordings[next(iter(_recordings))]
        recording = _recordings[key]
        self.database.restore(recording.database)
        self.steps, self.after = self.steps + 1, recording.id
        result: T = recording.result
        return result


def begin(app: Flask, settings: Settings) -> None:
    """Let a new app, the first one on a new SQLite database, take its first steps from recordings."""
    has_state_elsewhere = (
        settings.rate_limit_enabled
        or settings.redis_url
        or settings.leaked_passwords_url
        or settings.challenge_url
    )
    if _may_begin and settings.database_uri.startswith("sqlite") and not has_state_elsewhere:
        app.extensions[_EXTENSION] = _Beginning(app, settings)


def step(app: Flask, what: object, take: Callable[[Flask], T]) -> T:
    """Take a step, from a recording if the app is untouched.

    `what` names the step with its parameters; with one that JSON has not, such as a time, the app takes the
    step. The result must not be changed by the test.
    """
    found: _Beginning | None = app.extensions.pop(_EXTENSION, None)
    if found is None or not found.is_all_of(app) or (name := _named(what)) is None:
        return take(app)
    result = found.take(name, take)
    app.extensions[_EXTENSION] = found
    return result


def _named(what: object) -> str | None:
    try:
        return json.dumps(what, sort_keys=True)
    except TypeError:
        return None


def post(client: FlaskClient, path: str, body: dict[str, Any]) -> TestResponse:
    """Post this body as a step, which must set no cookies."""
    if type(client) is not FlaskClient or client._cookies:
        return client.post(path, json=body)
    environ = dict(client.environ_base)

    def take(app: Flask) -> tuple[bytes, str, list[tuple[str, str]]]:
        of_app = client if app is client.application else app.test_client()
        answer = of_app.post(path, json=body, environ_base=environ)
        assert "Set-Cookie" not in answer.headers
        return answer.data, answer.status, [*answer.headers]

    data, status, head = step(client.application, ["POST", path, body, environ], take)
    request = EnvironBuilder(path, method="POST", json=body).get_request()
    return client.response_wrapper([data], status, Headers(head), request=request)


def _content(path: Path) -> bytes:
    """Return the database, with what is in its write-ahead log."""
    copy = path.with_name(f"{path.name}-copy")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    found = copy.read_bytes()
    copy.unlink()
    return found


def mark_as_untouched(path: Path) -> None:
    """Set the time of the last change of a file to 0; a later change, or a log beside it, is noticed."""
    os.utime(path, ns=(0, 0))
