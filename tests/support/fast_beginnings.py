"""The steps with which most tests begin are made twice in a test process: register, log in, insert a client.

They change a new app on an empty database alike in each test. When a second test takes a step, its result
and the database after it are recorded; later tests get a copy of that database. What is recorded is what the
service itself did in this process: where a rule is broken, the recording has it broken.

Only an untouched app takes a step from a recording: it has the same settings and the usual services, no other
call, command or statement came before, its clock stands at the start, no fixture patches anything, and the
thread is that of the test, so that calls that race do race. Nor does an app that counts or asks elsewhere.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from threading import get_ident
from typing import Any, NamedTuple, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from werkzeug.test import EnvironBuilder, TestResponse

from config import Settings

T = TypeVar("T")
Steps = tuple[str, ...]
_EXTENSION = "beginning"
_LIMIT = 200  # recordings of 0.5 MB


class _Recording(NamedTuple):
    database: bytes
    result: Any


_recordings: dict[Steps, _Recording] = {}
_seen: Counter[Steps] = Counter()


class _Beginning:
    """The steps that an app has taken from recordings, and the file of its database."""

    def __init__(self, app: Flask, settings: Settings, path: Path) -> None:
        self.steps: Steps = (repr(astuple(replace(settings, database_uri=""))),)
        self.path, self.thread = path, get_ident()
        self.services, self.config = app.extensions["auth_services"], dict(app.config)
        self.start = self.services.clock.now()

    def is_all_of(self, app: Flask) -> bool:
        """Whether nothing but these steps can have changed the app or its database."""
        return (
            self.thread == get_ident()
            and not app._got_first_request
            and app.extensions["auth_services"] is self.services
            and dict(app.config) == self.config
            and self.services.clock.now() == self.start
            and self.path.stat().st_mtime_ns == 0
            and not self.path.with_name(f"{self.path.name}-wal").exists()
        )


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


def step(app: Flask, what: object, take: Callable[[], T]) -> T:
    """Take a step, from a recording if it was recorded after the same steps.

    `what` names the step with its parameters. The result must not be changed by the test.
    """
    found: _Beginning | None = app.extensions.pop(_EXTENSION, None)
    if found is None or not found.is_all_of(app):
        return take()
    steps = (*found.steps, json.dumps(what, sort_keys=True, default=repr))
    if recording := _recordings.get(steps):
        found.path.write_bytes(recording.database)
        mark_as_untouched(found.path)
        found.steps = steps
        app.extensions[_EXTENSION] = found
        result: T = recording.result
        return result
    result = take()
    _seen[steps] += 1
    if _seen[steps] == 2 and len(_recordings) < _LIMIT:
        _recordings[steps] = _Recording(_copy(found.path), result)
    return result


def post(client: FlaskClient, path: str, body: dict[str, Any], headers: Any = None) -> TestResponse:
    """Post this body, as a step if it is about no cookies."""
    if type(client) is not FlaskClient or client._cookies or headers or "token_delivery" in body:
        client.application.extensions.pop(_EXTENSION, None)
        return client.post(path, json=body, headers=headers)

    def take() -> tuple[bytes, str, list[tuple[str, str]]]:
        answer = client.post(path, json=body)
        return answer.data, answer.status, [*answer.headers]

    data, status, head = step(client.application, ["POST", path, body, client.environ_base], take)
    request = EnvironBuilder(path, method="POST", json=body).get_request()
    return TestResponse([data], status, head, request=request)


def _copy(path: Path) -> bytes:
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
