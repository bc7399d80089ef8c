"""The database of each earlier release, and the tokens it issued, work after an upgrade."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import MetaData, column, create_engine, insert, text
from sqlalchemy import table as lightweight

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.releases.make import KEYS, MADE_AT, PASSWORD, StoppedClock
from tests.support.service import bearer
from utils.database.migrations import MIGRATIONS, upgrade

FOLDER = Path(__file__).parent.parent / "releases"
RELEASES = sorted(FOLDER.glob("*.json"))


def stored(value: Any) -> Any:
    """Convert a value of the fixture for the database."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, plain),) = value.items()
    readers: dict[str, Callable[[Any], Any]] = {
        "bytes": base64.b64decode,
        "datetime": datetime.fromisoformat,
        "uuid": UUID,
    }
    return readers[kind](plain) if kind in readers else value


def restore(uri: str, fixture: dict[str, Any]) -> None:
    """Create the database of the release: its schema and rows."""
    engine = create_engine(uri)
    is_postgres = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        if is_postgres:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, fixture["revision"])
        connection.commit()
    there = MetaData()
    with engine.begin() as connection:
        there.reflect(connection)
        tables = [table for table in db.metadata.sorted_tables if table.name in there.tables]
        for table in tables:  # the types of today, the columns of then
            columns = set(there.tables[table.name].columns.keys())
            # Without the defaults of columns that a later release has added.
            then = lightweight(table.name, *(column(c.name, c.type) for c in table.c if c.name in columns))
            for row in fixture["rows"].get(table.name, []):
                values = {name: stored(value) for name, value in row.items() if name in columns}
                connection.execute(insert(then).values(values))
        if is_postgres:
            for name in ("users", "audit_events", "outbox"):
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, (SELECT max(id) FROM {name}))"))
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def empty_uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a schema, on SQLite and on Postgres."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/release.db"
        return
    uri: str = request.getfixturevalue("postgres_uri")
    yield uri
    engine = create_engine(uri)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    upgrade(engine)
    engine.dispose()


def app_of(uri: str, clock: StoppedClock) -> Flask:
    return create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": uri} | KEYS), clock=clock)


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("empty_uri", ["sqlite", "postgres"], indirect=True)
def test_tokens_of_a_release_work_after_the_upgrade(empty_uri: str, release: Path) -> None:
    fixture = json.loads(release.read_text())
    restore(empty_uri, fixture)
    tokens, clock = fixture["tokens"], StoppedClock(MADE_AT + timedelta(seconds=60))
    app = app_of(empty_uri, clock)
    client = app.test_client()

    # A session: its access token, and its refresh token.
    answer = client.get("/auth/me", headers=bearer(tokens["access"]))
    assert answer.get_json()["user"]["username"] == "ada"
    refreshed = client.post("/auth/refresh", json={"refresh_token": tokens["refresh"]})
    assert refreshed.status_code == 200
    # A password, on the known device: no mail tells of a new one.
    known = {"X-Device-Token": tokens["device"]}
    logged_in = client.post("/auth/login", json={"username": "ada", "password": PASSWORD}, headers=known)
    assert logged_in.get_json()["device_token"] == tokens["device"]
    # TOTP and a recovery code of another account.
    first = client.post("/auth/login", json={"username": "bob", "password": PASSWORD})
    code = pyotp.TOTP(tokens["totp_secret"]).at(clock.now())
    for body in (
        {"challenge_token": tokens["challenge"], "recovery_code": tokens["recovery_code"]},
        {"challenge_token": first.get_json()["challenge_token"], "code": code},
    ):
        second = client.post("/auth/login/second-factor", json=body)
        assert second.status_code == 200, second.get_data(as_text=True)
    # Mailed links.
    body = {"token": tokens["verify"], "password": PASSWORD}
    assert client.post("/auth/email/verify", json=body).status_code == 200
    body = {"token": tokens["reset"], "password": "a new and long one"}
    assert client.post("/auth/password/reset", json=body).status_code == 200
    assert client.post("/auth/sessions/disown", json={"token": tokens["disown"]}).status_code == 200
    assert client.post("/auth/refresh", json={"refresh_token": tokens["refresh"]}).status_code == 401
    with app.app_context():
        db.engine.dispose()


def test_release_fixture_has_rows_in_every_table() -> None:
    """Without rows the upgrade of a table would be untested."""
    empty = {"passkeys", "rate_limits"}  # needs a browser; holds nothing that outlives an hour
    for release in RELEASES:
        rows = json.loads(release.read_text())["rows"]
        assert {name for name, found in rows.items() if not found} <= empty
