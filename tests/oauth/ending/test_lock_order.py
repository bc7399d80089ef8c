"""The order in which clients and grants are locked, without which two transactions wait for each other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from auth.events import EndReason
from auth.sessions import ending
from models import db
from oauth.stores import apps, endings, grants, resources
from oauth.stores.grants import GrantEnd
from tests.conftest import ON_POSTGRES
from tests.support.grants import RESOURCE, grant_row, session_ids
from tests.support.oauth import client_row
from tests.support.service import START, engine_of, rows, signed_in
from utils.services import services

pytestmark = ON_POSTGRES

LOW, HIGH, NEWEST = (UUID(int=number) for number in (1, 2, 3))
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
LOCK = "SELECT id FROM oauth_grants WHERE id = :grant FOR UPDATE NOWAIT"
Ending = Callable[[Session, UUID, datetime], object]


def end_beyond(tx: Session, session_id: UUID, now: datetime) -> None:
    newest = grants.Grant(
        NEWEST, 1, "app", session_id, "", b"", 0, None, [], None, False, now, "", now, now, None
    )
    grants.end_oldest_beyond(tx, 1, newest, now)


MASS: dict[str, Ending] = {
    "sessions": lambda tx, session_id, now: endings.end_bound(tx, [session_id], now),
    "account": lambda tx, _, now: endings.end_of_user(tx, 1, GrantEnd.ACCOUNT_REVOKED, now),
    "app of an account": lambda tx, _, now: apps.end_access(tx, 1, "app", "removed", now),
    "erasure": lambda tx, _session_id, _now: apps.forget_person(tx, 1),
    "batch of many": lambda tx, _, now: endings.end_some(tx, [HIGH, LOW], GrantEnd.ALL_REVOKED, now),
    "resource": lambda tx, _, now: resources.end_grants(tx, RESOURCE, "resource_removed", now),
    "too many": end_beyond,
}


@pytest.fixture
def session(app: Flask, client: FlaskClient) -> UUID:
    """A session of ada with two grants, of which the one with the higher id is stored first."""
    client_row(app)
    client_row(app, "mute")
    signed_in(client)
    (found,) = session_ids(app)
    for grant_id in (HIGH, LOW):
        grant_row(app, found, id=grant_id, resource=RESOURCE)
    return found


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    """Connections beside those of the app."""
    made = create_engine(engine_of(app).url)
    yield made
    made.dispose()


@contextmanager
def waiting(engine: Engine, holder: Connection, call: Callable[[], object]) -> Iterator[None]:
    """Run the call in a thread; enter the block when it waits for a lock of `holder`, released after it."""
    thread = Thread(target=call)
    thread.start()
    try:
        with engine.connect() as observer:
            while thread.is_alive() and not observer.execute(text(WAITING)).scalar():
                observer.rollback()
        yield
    finally:
        holder.rollback()
        thread.join()


def lock(connection: Connection, grant_id: UUID) -> None:
    """Lock a grant; fails if another transaction has."""
    connection.execute(text(LOCK), {"grant": grant_id})


@pytest.mark.parametrize("ends", MASS.values(), ids=MASS)
def test_grants_are_locked_by_rising_id(app: Flask, session: UUID, engine: Engine, ends: Ending) -> None:
    """A transaction that waits for the first grant must not hold the second one already."""

    def end() -> None:
        with app.app_context():
            ends(db.session(), session, START)
            db.session.commit()

    with engine.connect() as other:
        lock(other, LOW)
        with waiting(engine, other, end):
            lock(other, HIGH)
    changed = rows(app, "SELECT id FROM oauth_grants WHERE ended_at IS NOT NULL OR session_id = id")
    assert {row["id"] for row in changed} == {LOW, HIGH}


def test_end_of_an_account_locks_its_clients_before_any_grant(
    app: Flask, session: UUID, engine: Engine
) -> None:
    """It ends bound grants first, offline ones later, while an operator may be ending those of a client."""
    offline = grant_row(app, session, "mute", id=NEWEST, offline=True)

    def end() -> None:
        with app.app_context():
            ending.end_account(services(), db.session(), 1, EndReason.OPERATOR, START)
            db.session.commit()

    with engine.connect() as operator:
        operator.execute(text("SELECT id FROM oauth_clients WHERE id = 'mute' FOR UPDATE"))
        with waiting(engine, operator, end):
            for grant_id in (LOW, HIGH, offline):
                lock(operator, grant_id)
    assert len(rows(app, "SELECT id FROM oauth_grants WHERE ended_at IS NOT NULL")) == 3
