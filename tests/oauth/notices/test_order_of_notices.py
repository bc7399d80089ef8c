"""The order of clients in the delivery of logouts: those that answer do not wait for those that do not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import insert

from models import db
from oauth.notices import delivery
from tables.oauth import OAuthNotice
from tests.support.oauth import client_row
from tests.support.service import START, FixedClock, rows
from utils.outgoing import CallFailed
from utils.services import services
from utils.web.fetch import DEADLINE, FetchFailed, Kind

pytestmark = pytest.mark.both_databases(slow=True)
LIVING = "zoe"  # the last one by name
DEAD = [f"dead-{number:02}" for number in range(20)]
NOTICES = 3  # for each client


class Network:
    """Clients that answer at once, `dead` ones that never do, and a network that is `busy`."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.called = clock, list[str]()
        self.dead, self.is_busy = {*DEAD}, False

    def ask(self, _method: str, url: str, **_: Any) -> bytes:
        if self.is_busy:
            raise FetchFailed(Kind.BUSY)
        client_id = url.removeprefix("https://").partition(".")[0]
        self.called.append(client_id)
        if client_id in self.dead:
            self.clock.advance(DEADLINE)
            raise CallFailed("no answer in time")
        return b""


@pytest.fixture
def network(clock: FixedClock) -> Network:
    return Network(clock)


@pytest.fixture
def app(make_app: Any, network: Network) -> Flask:
    made: Flask = make_app(fetch=network)
    for client_id in (*DEAD, LIVING):
        client_row(made, client_id, backchannel_uri=f"https://{client_id}.example.com/out")
    return made


def write(app: Flask, client_ids: Sequence[str], at: datetime, number: int = NOTICES) -> None:
    """Write notices to each of these clients."""
    written = [
        {"client_id": client_id, "sid": uuid4().hex, "user_id": 1, "created_at": at, "due_at": at}
        for client_id in client_ids
        for _ in range(number)
    ]
    with app.app_context():
        db.session.execute(insert(OAuthNotice), written)
        db.session.commit()


def deliver(app: Flask, tries: int = 1000) -> list[str]:
    """Deliver what is due, by so many tries at most; return the outcomes."""
    found: list[str] = []
    with app.app_context():
        while len(found) < tries and (outcome := delivery.try_next(services())):
            found.append(outcome)
    return found


def failures(app: Flask) -> dict[str, int]:
    found = rows(app, "SELECT id, notice_failures FROM oauth_clients")
    return {row["id"]: row["notice_failures"] for row in found}


def test_client_that_answers_is_told_in_the_first_round_beside_twenty_that_do_not(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, [*DEAD, LIVING], START)
    deliver(app, len(DEAD) + 1)
    assert network.called.count(LIVING) == 1
    assert {network.called.count(each) for each in DEAD} == {1}  # not once for each of its notices
    assert clock.now() - START == len(DEAD) * timedelta(seconds=DEADLINE)


def test_client_that_answers_is_told_before_all_that_failed(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, [*DEAD, LIVING], START)
    deliver(app, len(DEAD) + 1)
    for _ in range(5):
        network.called.clear()
        began = clock.now()
        write(app, [LIVING], began)
        deliver(app, NOTICES)
        assert network.called[:NOTICES] == [LIVING] * NOTICES
        assert clock.now() == began
        deliver(app, 4)  # some of the others
        clock.advance(30)


def test_client_that_has_answered_is_told_before_all_that_were_never_called(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, [LIVING], START, 1)
    assert deliver(app) == ["sent"]
    write(app, [*DEAD, LIVING], START)
    assert deliver(app, NOTICES) == ["sent"] * NOTICES
    assert (clock.now(), {*network.called}) == (START, {LIVING})


def test_client_whose_notices_were_given_up_still_comes_after_those_that_answer(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, DEAD[:2], START)
    for _ in range(300):
        deliver(app)
        clock.advance(5)
    assert not rows(app, "SELECT id FROM oauth_notices WHERE due_at IS NOT NULL")
    clock.advance(86_400)
    network.called.clear()
    write(app, [*DEAD[:2], LIVING], clock.now(), 1)
    began = clock.now()
    assert deliver(app, 1) == ["sent"]
    assert (network.called, clock.now()) == ([LIVING], began)
    assert deliver(app, 2) == ["failed", "failed"]


def test_client_that_failed_has_its_turn_when_no_other_has_one(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, ["dead-00"], START)
    assert deliver(app, 1) == ["failed"]
    network.called.clear()
    clock.advance(300)
    for _ in range(3):
        write(app, [LIVING], clock.now(), 1)
        deliver(app, 1)
    assert network.called == [LIVING] * 3
    assert deliver(app) == ["failed"]


def test_network_that_is_busy_is_no_failure_of_the_client(
    app: Flask, network: Network, clock: FixedClock
) -> None:
    write(app, [LIVING], START, 1)
    network.is_busy = True
    for seconds in [1] * 10 + [20] * 35:  # longer than GIVE_UP_AFTER
        assert deliver(app) == ["postponed"]
        clock.advance(seconds)
    assert failures(app)[LIVING] == 0
    assert not rows(app, "SELECT id FROM audit_events WHERE event = 'notice_given_up'")
    network.is_busy = False
    assert deliver(app) == ["sent"]
