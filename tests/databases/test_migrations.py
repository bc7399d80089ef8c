"""Migrations: upgrade and downgrade, no schema drift, no lost rows, one at a time, beside running apps."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.conftest import NO_POSTGRES
from tests.support.service import at_once, execute, me, rows, signed_in
from utils.database.migrations import MIGRATIONS, schema_is_outdated, upgrade

RELEASED = "0009"  # the newest migration of release 0.1.0
ON_POSTGRES = pytest.mark.parametrize("empty_uri", [] if NO_POSTGRES else ["postgres"], indirect=True)
# Of a transaction: the tables that it keeps from calls that write, or from all calls.
STRONG_LOCKS = """
    SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE pid = pg_backend_pid() AND relkind = 'r'
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""


@pytest.fixture(params=["sqlite"] if NO_POSTGRES else ["sqlite", "postgres"])
def empty_uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server, name = request.getfixturevalue("postgres_server"), f"test_{uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def engine(empty_uri: str) -> Iterator[Engine]:
    engine = create_engine(empty_uri)
    yield engine
    engine.dispose()


@pytest.fixture
def make_own_app(empty_uri: str) -> Iterator[Callable[[], Flask]]:
    """Make an app on the empty database, as often as wanted."""
    apps: list[Flask] = []

    def make() -> Flask:
        apps.append(create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": empty_uri})))
        return apps[-1]

    yield make
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def alembic(connection: Connection, scripts: Path = MIGRATIONS) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts))
    return config


def migrate(engine: Engine, step: str, revision: str, scripts: Path = MIGRATIONS) -> None:
    with engine.connect() as connection:
        getattr(command, step)(alembic(connection, scripts), revision)
        connection.commit()


def drift(engine: Engine) -> list[object]:
    """Return the differences between the models and the database."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def is_old(engine: Engine) -> bool:
    with engine.connect() as connection:
        return schema_is_outdated(connection)


def test_upgrade_downgrade_and_upgrade_again(engine: Engine) -> None:
    for _ in range(2):
        migrate(engine, "upgrade", "head")
        assert drift(engine) == []
        assert not is_old(engine)
        migrate(engine, "downgrade", "base")
        assert inspect(engine).get_table_names() == ["alembic_version"]
        assert is_old(engine)


def test_every_revision_can_be_downgraded_alone(engine: Engine) -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert len(scripts.get_heads()) == 1
    for revision in revisions:
        migrate(engine, "upgrade", revision)
        migrate(engine, "downgrade", "-1")
        migrate(engine, "upgrade", revision)
        assert is_old(engine) == (revision != revisions[-1])


def test_rebuilt_table_keeps_referring_rows(make_own_app: Callable[[], Flask], tmp_path: Path) -> None:
    """On SQLite a batch migration drops the old table, which with foreign keys on deletes referring rows."""
    scripts = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    (scripts / "versions" / "next.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = 'next', {head!r}\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('users', recreate='auto') as batch:\n"
        "        batch.add_column(sa.Column('extra', sa.Integer()))\n"
        "        batch.alter_column('username', type_=sa.String(90))\n"
        "def downgrade(): pass\n"
    )
    app = make_own_app()
    with app.app_context():
        migrate(db.engine, "upgrade", "head")
        token = signed_in(app.test_client())["access_token"]
        migrate(db.engine, "upgrade", "head", scripts)
        assert "extra" in {column["name"] for column in inspect(db.engine).get_columns("users")}
    assert len(rows(app, "SELECT id FROM sessions")) == 1
    assert {row["user_id"] for row in rows(app, "SELECT user_id FROM audit_events")} == {1}
    assert me(app.test_client(), token).status_code == 200  # a newer schema is fine for older code
    execute(app, "DELETE FROM users")  # and foreign keys are on again
    assert rows(app, "SELECT id FROM sessions") == []


def test_concurrent_upgrades_run_once(empty_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    engines = [create_engine(empty_uri) for _ in range(4)]
    at_once([lambda engine=engine: upgrade(engine) for engine in engines])  # type: ignore[misc]
    assert [record.getMessage() for record in caplog.records].count("schema upgraded") == 1
    assert drift(engines[0]) == []
    for engine in engines:
        engine.dispose()


@ON_POSTGRES
def test_migration_locks_one_table_in_use(engine: Engine) -> None:
    """And this once. Two locks can wait for a call of a running app that waits for the first."""
    migrate(engine, "upgrade", RELEASED)
    in_use = set(inspect(engine).get_table_names()) - {"alembic_version"}
    held: list[list[Any]] = []
    indexed: list[str] = []

    def note_locks(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(STRONG_LOCKS)
        held.append([lock for lock in cursor.fetchall() if lock[0] in in_use])

    def note_index(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        found = re.match(r"CREATE (?:UNIQUE )?INDEX (CONCURRENTLY)?.* ON (\w+)", sql)
        if found and found[2] in in_use and not found[1]:
            indexed.append(sql)

    event.listen(engine, "commit", note_locks)
    event.listen(engine, "before_cursor_execute", note_index)
    migrate(engine, "upgrade", "head")
    assert [locks for locks in held if locks], "the listener sees the locks"
    assert [locks for locks in held if len(locks) > 1] == []
    assert indexed == []


@ON_POSTGRES
def test_call_that_has_read_an_account_locks_it_while_the_schema_is_upgraded(engine: Engine) -> None:
    migrate(engine, "upgrade", RELEASED)
    running = create_engine(engine.url)
    met: list[str] = []

    def call(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        if met or not sql.startswith("ALTER TABLE users"):
            return
        met.append(sql)
        with running.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '1s'"))
            connection.execute(text("SELECT id FROM users"))
            connection.execute(text("UPDATE users SET failures = 0"))

    event.listen(engine, "before_cursor_execute", call)
    migrate(engine, "upgrade", "head")
    running.dispose()
    assert met


@ON_POSTGRES
def test_index_whose_build_was_interrupted_is_built_again(engine: Engine) -> None:
    migrate(engine, "upgrade", "0016")
    with engine.begin() as connection:
        connection.execute(text("CREATE INDEX ix_users_undecided ON users (id)"))
    migrate(engine, "upgrade", "head")
    assert drift(engine) == []


def test_old_schema_is_detected(engine: Engine) -> None:
    assert is_old(engine)
    migrate(engine, "upgrade", "head")
    assert not is_old(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of_the_future'"))
    assert not is_old(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    assert is_old(engine)


def test_flask_db_upgrade_migrates(make_own_app: Callable[[], Flask]) -> None:
    app = make_own_app()
    assert app.test_client().get("/health/ready").status_code == 503
    result = CliRunner().invoke(FlaskGroup(create_app=make_own_app), ["db", "upgrade"])
    assert result.exit_code == 0, result.output
    assert app.test_client().get("/health/ready").status_code == 200
    with app.app_context():
        assert drift(db.engine) == []
