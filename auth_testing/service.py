"""The service as tests use it: an app in memory, a clock that the test moves, and accounts with roles."""

import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine

from app import create_app
from auth.roles import actors, definitions, grants
from auth.stores import users
from config import Settings, TestingConfig
from models import db
from utils.client_info import ClientInfo
from utils.database.migrations import upgrade
from utils.services import services

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
OPERATOR = actors.Operator("tests", ClientInfo(address=None, user_agent="tests", request_id="0" * 16))


class MovedClock:
    """A clock that stands until the test moves it."""

    def __init__(self, moment: datetime = START) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def advance(self, seconds: float) -> None:
        """Move the clock on: access tokens last 3600 seconds, a login counts as recent for 600."""
        self._moment += timedelta(seconds=seconds)


@contextmanager
def app_in_memory(environ: Mapping[str, str], clock: MovedClock) -> Iterator[Flask]:
    """Yield the service with an empty database in memory, and the settings of `testing` but for `environ`.

    Raises `ConfigurationError`.
    """
    app = create_app(settings=Settings.load(TestingConfig, environ), clock=clock)
    with app.app_context():
        with db.engine.connect() as connection:
            sqlite: Any = connection.connection.driver_connection
            sqlite.deserialize(_migrated_database())
        engine = db.engine
    yield app
    engine.dispose()


@cache
def _migrated_database() -> bytes:
    """Return a SQLite database after all migrations, made once in a process."""
    with tempfile.TemporaryDirectory(prefix="auth-testing-") as folder:
        path = Path(folder) / "auth.db"
        engine = create_engine(f"sqlite:///{path}")
        upgrade(engine)
        engine.dispose()
        connection = sqlite3.connect(path)
        try:
            return connection.serialize()
        finally:
            connection.close()


@dataclass(slots=True)
class User:
    """An account that is logged in."""

    id: int
    username: str
    email: str
    password: str = field(repr=False)
    app: Flask = field(repr=False)
    access_token: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a call by this user."""
        return {"Authorization": f"Bearer {self.access_token}"}

    def log_in(self) -> None:
        """Log in again, as after the clock was moved beyond the end of the access token."""
        body = {"username": self.username, "password": self.password}
        answer = self.app.test_client().post("/auth/login", json=body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.access_token = str(answer.get_json()["access_token"])


class NewUser:
    """Makes accounts: call it with a name."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(
        self,
        name: str = "ada",
        *,
        roles: Mapping[str, Collection[str]] | None = None,
        password: str = PASSWORD,
    ) -> User:
        """Return a new account that is logged in, with a confirmed address and these roles.

        `roles` has the permissions of each role, as `{"editor": ["reports:read"]}`; they are defined.
        """
        email = f"{name}@example.com"
        body = {"username": name, "email": email, "password": password}
        answer = self._app.test_client().post("/auth/register", json=body)
        assert answer.status_code in {201, 202}, answer.get_data(as_text=True)
        with self._app.app_context():
            built = services()
            account = actors.find(built, name)
            users.confirm_email(built.tx(), account.id, built.clock.now())
            built.tx().commit()
            for role, permissions in (roles or {}).items():
                definitions.define(built, OPERATOR, role, allow=permissions)
                grants.grant(built, OPERATOR, actors.find(built, name), role)
            made = User(account.id, name, email, password, self._app)
        made.log_in()
        return made
