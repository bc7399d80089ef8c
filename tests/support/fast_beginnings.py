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
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from app import create_app
from config import Settings
from models import db
from tests.support.signing_keys import CachedKeys

T = TypeVar("T")
Steps = tuple[str, ...]
_EXTENSION = "beginning"
_MAX_STEPS = 4  # an app takes more by itself
_KEPT = 100  # recordings of 0.5 MB


class _Recording(NamedTuple):
    database: bytes
    result: Any


_recordings: dict[Steps, _Recording] = {}


class _Beginning:
    """The steps that an app has taken from recordings, and the file of its database."""

    def __init__(self, app: Flask, settings: Settings, path: Path) -> None:
        self.steps: Steps = ()
        self.settings, self.path, self.thread = settings, path, get_ident()
        self.services, self.config = app.extensions["auth_services"], dict(app.config)
        self.start = self.services.clock.now()

    def is_all_of(self, app: Flask) -> bool:
        """Whether nothing but these steps can have changed the app or its database."""
        return (
            len(self.steps) < _MAX_STEPS
            and self.thread == get_ident()
            and not app._got_first_request
            and app.extensions["auth_services"] is self.services
            and dict(app.config) == self.config
            and self.services.clock.now() == self.start
            and self.path.stat().st_mtime_ns == 0
            and not self.path.with_name(f"{self.path.name}-wal").exists()
        )

    def take(self, steps: Steps, take: Callable[[Flask], T]) -> T:
        """Take the last of these steps; all before it are taken."""
        key = (repr(astuple(replace(self.settings, database_uri=""))), *steps)
        if key not in _recordings:
            _recordings[key] = self._recorded(take)
            if len(_recordings) > _KEPT:
                del _recordings[next(iter(_recordings))]
        recording = _recordings[key]
        self.path.write_bytes(recording.database)
        mark_as_untouched(self.path)
        self.steps = steps
        result: T = recording.result
        return result

    def _recorded(self, take: Callable[[Flask], Any]) -> _Recording:
        """Take a step in an app of its own, on a copy of the database. Only errors are logged."""
        path = self.path.with_name(f"{uuid4().hex}.db")
        path.write_bytes(self.path.read_bytes())
        settings = replace(self.settings, database_uri=f"sqlite:///{path}")
        clock = type(self.services.clock)(self.start)
        app = create_app(settings=settings, clock=clock, make_signing_key=CachedKeys())
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            result = take(app)
        finally:
            logging.disable(disabled)
            app.extensions["auth_services"].reads.close()
            with app.app_context():
                db.engine.dispose()
        found = _Recording(_content(path), result)
        path.unlink()
        return found


def begin(app: Flask, settings: Settings) -> None:
    """Let a new app, the first one on a new SQLite database, take its first steps from recordings."""
    path = make_url(settings.database_uri).database
    has_state_elsewhere = (
        settings.rate_limit_enabled
        or settings.redis_url
        or settings.leaked_passwords_url
        or settings.challenge_url
    )
    if path and settings.database_uri.startswith("sqlite") and not has_state_elsewhere:
        app.extensions[_EXTENSION] = _Beginning(app, settings, Path(path))


def step(app: Flask, what: object, take: Callable[[Flask], T]) -> T:
    """Take a step, from a recording if the app is untouched.

    `what` names the step with its parameters. The result must not be changed by the test.
    """
    found: _Beginning | None = app.extensions.pop(_EXTENSION, None)
    if found is None or not found.is_all_of(app):
        return take(app)
    result = found.take((*found.steps, json.dumps(what, sort_keys=True)), take)
    app.extensions[_EXTENSION] = found
    return result


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
