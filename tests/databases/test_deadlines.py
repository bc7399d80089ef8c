"""Deadlines of PostgreSQL connections: server-side limits, the client's own, and maintenance without them."""

from collections.abc import Iterator
from time import monotonic

import click
import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from auth.admin import pruning
from auth.admin.slices import Slices
from auth.roles.actors import Operator
from tests.conftest import ON_POSTGRES, AppFactory
from tests.support.requests import asked, said
from tests.support.service import FixedClock, engine_of, me, refresh, signed_in
from utils.client_info import ClientInfo
from utils.database.copying import target_connection
from utils.database.deadlines import maintenance
from utils.database.engine import init_engine
from utils.database.migrations import upgrade
from utils.database.postgres import DeadlineConnection, NoAnswer
from utils.database.reads import NoAnswerInTime, Reads

pytestmark = ON_POSTGRES
TIMEOUTS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"

LIFTED = ["SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"]


@pytest.fixture
def impatient(database_uri: str) -> Iterator[Engine]:
    """Yield an engine whose clients wait 0.1 seconds for an answer."""
    engine = create_engine(database_uri)
    init_engine(engine, answer_timeout=0.1)
    yield engine
    engine.dispose()


def timeouts(engine: Engine) -> tuple[str, str]:
    with engine.connect() as connection:
        statement, lock = connection.execute(text(TIMEOUTS)).one()
        return statement, lock


def test_serving_connections_limit_statements_and_lock_waits(app: Flask) -> None:
    assert timeouts(engine_of(app)) == ("5s", "5s")
    with engine_of(app).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        assert connection.execute(text(TIMEOUTS)).one() == ("5s", "5s")


def test_maintenance_has_no_deadlines_and_restores_them(app: Flask) -> None:
    with maintenance():
        assert timeouts(engine_of(app)) == ("0", "0")
    assert timeouts(engine_of(app)) == ("5s", "5s")


def test_commands_and_the_copy_have_no_limits(make_app: AppFactory, database_uri: str) -> None:
    with click.Context(click.Command("flask"), info_name="flask").scope():
        app = make_app()
    assert timeouts(engine_of(app)) == ("0", "0")
    with target_connection(database_uri) as connection:
        assert connection.execute(text(TIMEOUTS)).one() == ("0", "0")


def test_migrations_and_pruning_have_no_limits(app: Flask) -> None:
    """Each of their transactions lifts the limits before its first statement."""
    engine, operator = engine_of(app), Operator("tester", ClientInfo(None, "", ""))
    asked: list[str] = []
    background = Slices()

    def begin(_connection: object) -> None:
        asked.append("BEGIN")

    def note(_c: object, _cursor: object, sql: str, _p: object, _context: object, _many: bool) -> None:
        asked.append(sql)

    event.listen(engine, "begin", begin)  # runs after the listener that lifts the limits
    event.listen(engine, "before_cursor_execute", note)
    with app.app_context():
        upgrade(engine)
        pruning.prune(app.extensions["auth_services"], operator)
        while background.next_batch(app.extensions["auth_services"]):
            pass
    starts = [number for number, sql in enumerate(asked) if sql == "BEGIN"]
    assert len(starts) > 5
    for start in starts:
        assert asked[start - 2 : start] == LIFTED


def test_read_is_not_repeated_after_a_deadline(impatient: Engine) -> None:
    reads = Reads(impatient)
    with pytest.raises(NoAnswerInTime):
        reads.first(select(func.pg_sleep(10).label("asked_once")), {})
    with impatient.connect() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%asked_once'"
        assert connection.execute(text(asked)).scalar() == 1
    reads.close()


def hurried(app: Flask, limit: str) -> None:
    """Let the server end the waits of the next read after 50 ms."""
    kept = app.extensions["auth_services"].reads._kept
    connection = kept._take()
    connection.driver.execute(f"SET {limit} = '50ms'")
    kept._put_back(connection)


@pytest.mark.provokes_errors
@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
def test_read_is_a_503_after_one_deadline_of_the_server(make_app: AppFactory, limit: str) -> None:
    app, migration = make_app(), make_app()
    access = signed_in(app.test_client())["access_token"]
    hurried(app, limit)
    with engine_of(migration).begin() as connection, asked(app) as repeated:
        connection.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        assert said(me(app.test_client(), access)) == (503, "unavailable")
    assert repeated == []
    assert me(app.test_client(), access).status_code == 200


@pytest.mark.provokes_errors
def test_rotation_is_a_503_after_one_deadline_of_the_server(make_app: AppFactory, clock: FixedClock) -> None:
    app, other = make_app(), make_app()
    client = app.test_client()
    token = refresh(client, signed_in(client)["refresh_token"]).get_json()["refresh_token"]
    clock.advance(60)
    hurried(app, "lock_timeout")
    with engine_of(other).begin() as connection, asked(app) as repeated:
        connection.execute(text("SELECT id FROM sessions FOR UPDATE"))
        assert said(refresh(client, token)) == (503, "unavailable")
    assert repeated == []
    assert refresh(client, token).status_code == 200


def test_options_of_the_url_are_kept(database_uri: str) -> None:
    engine = create_engine(make_url(database_uri).update_query_dict({"options": "-c lock_timeout=1s"}))
    init_engine(engine, answer_timeout=6)
    assert timeouts(engine) == ("5s", "1s")
    engine.dispose()


def test_statement_without_an_answer_fails_and_its_connection_is_replaced(impatient: Engine) -> None:
    with impatient.connect() as connection:
        began = monotonic()
        with pytest.raises(OperationalError) as caught:
            connection.execute(text("SELECT pg_sleep(10)"))
        assert monotonic() - began < 5
        assert isinstance(caught.value.orig, TimeoutError)
        assert caught.value.connection_invalidated
    with impatient.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_connection_is_closed_at_its_deadline(impatient: Engine) -> None:
    """A late result cannot be taken for that of the next statement."""
    driver = impatient.raw_connection().driver_connection
    assert isinstance(driver, DeadlineConnection)
    with pytest.raises(NoAnswer):
        driver.execute("SELECT pg_sleep(10)")
    assert driver.closed


def test_maintenance_waits_for_a_late_answer(impatient: Engine) -> None:
    with maintenance(), impatient.connect() as connection:
        assert connection.execute(text("SELECT 1 FROM pg_sleep(0.3)")).scalar() == 1


def test_error_of_a_statement_is_not_taken_for_a_missing_answer(impatient: Engine) -> None:
    with impatient.connect() as connection:
        with pytest.raises(DBAPIError, match="division by zero") as caught:
            connection.execute(text("SELECT 1/0"))
        assert not isinstance(caught.value.orig, TimeoutError)
        connection.rollback()
        assert connection.execute(text("SELECT 1")).scalar() == 1
