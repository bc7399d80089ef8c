"""`copy-database`: every row moves from SQLite to PostgreSQL, compared; otherwise nothing changes."""

import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, create_engine, event, text

from auth.stores import roles
from models import db
from tables.oauth import OAuthRefusal
from tests.conftest import NO_POSTGRES, AppFactory, emptied
from tests.support.api_tokens import READ, created, give, status
from tests.support.authenticator_app import Owner
from tests.support.authorization_requests import resource_row
from tests.support.oauth import client_row
from tests.support.oauth_apps import consent_row, notice_row
from tests.support.oauth_tokens import got, refresh_app
from tests.support.requests import post
from tests.support.service import (
    START,
    FixedClock,
    engine_of,
    events,
    execute,
    login,
    me,
    refresh,
    register,
    rows,
    shut_down,
    signed_in,
    wait_for_no_lock,
)
from tests.support.soft_passkey import SoftPasskey
from utils.database import copying
from utils.database.copying import CopyRefused, check_schemas, copy_tables, source_connection

pytestmark = pytest.mark.skipif(NO_POSTGRES, reason="no Postgres")


@pytest.fixture
def target(postgres_uri: str) -> str:
    """The URL of an empty, migrated PostgreSQL database."""
    return emptied(postgres_uri).replace("postgresql+psycopg:", "postgresql:")


def copied(app: Flask, *arguments: str, typed: str | None = None) -> Result:
    shut_down(app)
    return app.test_cli_runner().invoke(args=["auth", "copy-database", *arguments], input=typed)


def refusal(app: Flask, target: str) -> str:
    """Return the message of a refused copy. Nothing of the source is quoted in it."""
    result = copied(app, target)
    assert result.exit_code == 1
    assert "ada" not in result.output
    return result.output


def contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row as Python values, sorted by their text."""
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in db.metadata.sorted_tables
        }


def test_accounts_sessions_and_factors_work_after_the_copy(
    make_app: AppFactory, target: str, clock: FixedClock
) -> None:
    before = make_app()
    client = before.test_client()
    owner, passkey = Owner(client, clock), SoftPasskey()
    pair = owner.log_in()
    options = post(client, "passkeys/options", pair["access_token"]).get_json()["public_key"]
    made = passkey.create(options)
    assert post(client, "passkeys", pair["access_token"], credential=made, name="Phone").status_code == 201
    ended = owner.log_in()
    assert post(client, "logout", ended["access_token"]).status_code == 204
    give(before, READ)
    token = created(client, pair["access_token"], READ)
    register(client, "grace")
    result = copied(before, target)
    assert result.exit_code == 0, result.output

    after = make_app({"DATABASE_URI": target})
    assert contents(engine_of(after)) == contents(engine_of(before))
    client = owner.client = after.test_client()
    assert me(client, pair["access_token"]).get_json()["user"]["username"] == "ada"
    assert me(client, ended["access_token"]).status_code == 401
    assert status(after, token) == 204
    assert refresh(client, ended["refresh_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 200
    assert owner.log_in()["access_token"]
    assert owner.second_step(recovery_code=owner.recovery_codes[0]).status_code == 200
    options = post(client, "login/passkey/options").get_json()["public_key"]
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200
    assert login(client, "grace").status_code == 200
    assert events(after)[-1] == "signed_in"
    (entry,) = rows(after, "SELECT * FROM audit_events WHERE event = 'database_copied'")
    assert entry["operator"]


def test_everything_of_the_provider_is_copied(make_app: AppFactory, target: str) -> None:
    before = make_app()
    signed_in(before.test_client())
    client_row(before)
    client_row(before, "api", kind="resource", redirect_uris=[])
    resource_row(before, "https://api.example.com", {"read": "Read"})
    consent_row(before)
    notice_row(before)
    with before.app_context():
        values = {"client_id": "app", "reason": "pkce_missing", "at": START, "step": "authorize"}
        db.session.add(OAuthRefusal(**values, detail="x", request_id="r", count=2))
        db.session.commit()
    refresh_token = got(before, scopes=["openid", "offline_access"])["refresh_token"]
    result = copied(before, target)
    assert result.exit_code == 0, result.output
    after = make_app({"DATABASE_URI": target})
    found = contents(engine_of(after))
    assert found == contents(engine_of(before))
    assert [
        name for name, copies in found.items() if name.startswith(("oauth_", "signing_")) and not copies
    ] == []
    assert refresh_app(after, refresh_token).status_code == 200  # and signs with the keys of before


def test_copy_reports_rows_and_checksums_of_every_table(app: Flask, target: str) -> None:
    register(app.test_client())
    result = copied(app, "-", "--json", typed=f"{target}\n")
    assert result.exit_code == 0, result.output
    tables = {table["name"]: table for table in json.loads(result.output)["tables"]}
    assert set(tables) == set(db.metadata.tables)
    assert (tables["users"]["rows"], tables["passkeys"]["rows"]) == (1, 0)
    assert len(tables["users"]["checksum"]) == 64


def test_ids_of_deleted_accounts_are_not_reused_after_the_copy(make_app: AppFactory, target: str) -> None:
    before = make_app()
    for name in ("ada", "grace"):
        register(before.test_client(), name)
    execute(before, "DELETE FROM users WHERE username = 'grace'")
    assert copied(before, target).exit_code == 0
    after = make_app({"DATABASE_URI": target})
    register(after.test_client(), "joan")
    assert [row["id"] for row in rows(after, "SELECT id FROM users ORDER BY id")] == [1, 3]


def test_copy_is_refused_while_another_process_has_the_file_open(app: Flask, target: str) -> None:
    """The process may write at any time, even if it only reads now."""
    register(app.test_client())
    shut_down(app)
    url = engine_of(app).url
    engine = create_engine(url)
    with engine.connect() as other:
        other.execute(text("SELECT 1 FROM users")).all()
        other.rollback()  # idle: no transaction is open
        assert "The source is in use" in refusal(app, target)
    engine.dispose()
    assert copied(app, target).exit_code == 0


@pytest.mark.provokes_errors
def test_service_that_starts_during_the_copy_cannot_write(app: Flask) -> None:
    wait_for_no_lock(app)
    with source_connection(engine_of(app).url):
        assert register(app.test_client()).status_code == 503
    assert register(app.test_client()).status_code == 201


def test_second_copy_is_refused_and_changes_nothing(make_app: AppFactory, target: str) -> None:
    before = make_app()
    register(before.test_client())
    assert copied(before, target).exit_code == 0
    after = make_app({"DATABASE_URI": target})
    register(after.test_client(), "grace")
    there = contents(engine_of(after))
    shut_down(after)
    assert "The target is not empty: " in refusal(before, target)
    assert contents(engine_of(after)) == there


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("mysql://u:ada@db/auth", "The target must start with sqlite:/// or postgresql://."),
        ("sqlite:///ada.db", "The target must be PostgreSQL"),
        ("postgresql://u:ada@127.0.0.1:1/auth", "The target cannot be opened (OperationalError)."),
    ],
)
def test_unsuitable_target_is_refused(app: Flask, uri: str, reason: str) -> None:
    assert reason in refusal(app, uri)


def test_target_without_migrations_is_refused(app: Flask, postgres_server: str) -> None:
    assert "The target lacks migrations" in refusal(app, postgres_server)


def test_copy_waits_for_a_lock_that_is_released(app: Flask, target: str) -> None:
    """As that of autovacuum is."""
    engine = create_engine(target.replace("postgresql:", "postgresql+psycopg:"))
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def use_a_table() -> None:
        with engine.connect() as other, engine.connect() as observer:
            other.execute(text("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE"))
            locked.set()
            while not observer.execute(waiting).scalar():
                observer.rollback()

    locked = Event()
    thread = Thread(target=use_a_table)
    thread.start()
    locked.wait()
    result = copied(app, target)
    thread.join()
    assert result.exit_code == 0, result.output
    engine.dispose()


def test_target_in_use_is_refused(app: Flask, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LOCK_WAIT", 50)
    engine = create_engine(target.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as other:
        other.execute(text("LOCK TABLE users IN ROW EXCLUSIVE MODE"))
        assert "The target cannot be locked (55P03)" in refusal(app, target)
    engine.dispose()


def test_source_must_be_a_file(make_app: AppFactory, target: str) -> None:
    assert "must be a SQLite file" in refusal(make_app({"DATABASE_URI": "sqlite://"}), target)
    assert "must be a SQLite file" in refusal(make_app({"DATABASE_URI": target}), target)


@pytest.mark.parametrize(
    ("change", "named"),
    [("CREATE TABLE own (id INTEGER)", "own"), ("ALTER TABLE users ADD COLUMN own TEXT", "users.own")],
)
def test_data_that_would_be_left_behind_is_refused(app: Flask, target: str, change: str, named: str) -> None:
    execute(app, change)
    assert f"data that this release does not know: {named}." in refusal(app, target)


def test_row_that_postgres_refuses_undoes_the_copy(make_app: AppFactory, target: str) -> None:
    app = make_app()
    register(app.test_client())
    execute(app, "UPDATE users SET terms_version = :long", long="ada" * 20)
    before = contents(engine_of(app))
    assert "PostgreSQL refuses a row of users (22001)." in refusal(app, target)
    assert contents(engine_of(app)) == before
    after = contents(engine_of(make_app({"DATABASE_URI": target})))
    assert {name for name, rows in after.items() if rows} == {"roles", "role_permissions"}  # of the migration


@pytest.fixture
def damaged(target: str) -> Iterator[Engine]:
    """An engine of the target whose INSERTs into `users` arrive with another address."""
    engine = create_engine(target.replace("postgresql:", "postgresql+psycopg:"))

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def change(_c: Any, _cursor: Any, sql: str, values: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        if sql.startswith("INSERT INTO users"):
            for row in values if isinstance(values, list) else [values]:
                row["email"] = "changed@example.com"
        return sql, values

    yield engine
    engine.dispose()


def test_copy_that_differs_is_refused(app: Flask, damaged: Engine) -> None:
    register(app.test_client())
    shut_down(app)
    with source_connection(engine_of(app).url) as source, damaged.connect() as target:
        check_schemas(source, target, db.metadata)
        roles.remove_built_in(target)
        with pytest.raises(CopyRefused, match=r"The copy of users differs from the source\."):
            copy_tables(source, target, db.metadata)
