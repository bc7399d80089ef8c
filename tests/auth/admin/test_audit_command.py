"""`flask auth audit`: each event once, in the order of ids, and new ones while it follows."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.admin import audit_log
from tests.support.commands import auth
from tests.support.requests import OPERATOR
from tests.support.roles import editor
from tests.support.service import START, FixedClock, execute, register, rows, signed_in
from utils.services import services

pytestmark = pytest.mark.both_databases

INSERT = (
    "INSERT INTO audit_events (id, at, event, user_agent, request_id, count) "
    "VALUES (:id, :at, 'signed_in', '', '', 1)"
)


def add(app: Flask, number: int, seconds: float = 0) -> None:
    execute(app, INSERT, id=number, at=START + timedelta(seconds=seconds))


def test_events_are_printed_a_line_each_and_go_on_after_the_last(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    editor(app)
    printed = [json.loads(line) for line in auth(app, "audit", "--json").stdout.splitlines()]
    assert [each["event"] for each in printed] == [
        "account_registered",
        "signed_in",
        "role_defined",
        "role_granted",
    ]
    assert (printed[3]["user_id"], printed[3]["detail"], printed[3]["actor_id"]) == (1, "editor", None)
    more = auth(app, "audit", "--since", str(printed[1]["id"]), "--limit", "2").stdout.splitlines()
    assert [line.split()[2] for line in more] == ["role_defined", "role_granted"]
    assert "editor" in more[1]
    assert "account 1" in more[1]


def test_reading_the_log_is_an_event(app: Flask, client: FlaskClient) -> None:
    register(client)
    auth(app, "audit")
    sql = "SELECT event, operator, count FROM audit_events ORDER BY id DESC LIMIT 1"
    assert [(row["event"], row["count"]) for row in rows(app, sql)] == [("audit_read", 1)]


def test_follow_yields_an_event_that_was_committed_late(app: Flask, clock: FixedClock) -> None:
    add(app, 101)
    add(app, 110)
    rounds = iter([(105, 1.0), (120, 2.0), (115, 3.0)])

    def goes_on() -> bool:
        late = next(rounds, None)
        if late:
            clock.advance(1)
            add(app, *late)
        return late is not None

    with app.app_context():
        found = audit_log.follow(services(), OPERATOR, after=0, goes_on=goes_on)
        ids = [row.id for row in found if row.event == "signed_in"]
    assert ids == [101, 110, 105, 120, 115]


def test_follow_reads_settled_events_once(app: Flask, clock: FixedClock) -> None:
    for number in range(101, 104):
        add(app, number)
    clock.advance(120)
    left = iter([True, True])
    with app.app_context():
        found = audit_log.follow(services(), OPERATOR, after=0, goes_on=lambda: next(left, False))
        assert [row.id for row in found if row.event == "signed_in"] == [101, 102, 103]
