"""The data export is bounded: read in pages, one for each account and two in a process, sent from a file."""

import json
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert
from werkzeug.test import TestResponse

from auth.accounts import data_export, routes
from auth.accounts.data_export import LEASE
from models import AuditEvent, db
from tests.conftest import AppFactory
from tests.support.requests import asked, said
from tests.support.service import START, FixedClock, at_once, bearer, checked_out, events, rows, signed_in

pytestmark = pytest.mark.both_databases(nightly=True)

RUNNING = (429, "export_running")
LARGE = 1_234  # events: three pages, and more than is sent at once


def add_events(app: Flask, user_id: int, number: int) -> None:
    """Write this many events of an account."""
    facts = {"event": "session_refreshed", "at": START, "ip_address": "203.0.113.7", "request_id": "0" * 16}
    values = [
        facts | {"user_id": user_id, "user_agent": "x" * 200, "count": count} for count in range(number)
    ]
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(insert(AuditEvent), values)


def member(app: Flask, name: str = "ada", number: int = LARGE) -> str:
    """Return the access token of a member with this many events."""
    pair = signed_in(app.test_client(), name)
    add_events(app, pair["user"]["id"], number)
    return str(pair["access_token"])


def ask(app: Flask, access: str, method: str = "GET") -> TestResponse:
    """Ask for an export. A test reads its body to the end, or closes it: a timer ends it otherwise."""
    return app.test_client().open("/auth/me/export", method=method, headers=bearer(access))


@pytest.mark.parametrize("number", [496, 497, 498, LARGE])
def test_events_are_read_in_pages_without_gaps_or_duplicates(app: Flask, number: int) -> None:
    """Sign-up, log-in and the export itself are three more events."""
    access = member(app, number=number)
    with asked(app) as statements:
        found = ask(app, access).get_json()
    assert [each["count"] for each in found["events"][1:-2]] == [*range(number - 1, -1, -1)]
    assert [each["event"] for each in found["events"][-2:]] == ["signed_in", "account_registered"]
    assert found["events"][0]["event"] == "data_exported"
    pages = [sql for sql in statements if sql.startswith("SELECT audit_events")]
    assert len(pages) == (number + 3) // 500 + 1
    assert all(" LIMIT " in sql for sql in pages)


@pytest.mark.both_databases(slow=True)
def test_rows_of_the_same_moment_are_paged_by_their_id(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    for _ in range(7):
        access = signed_in(client)["access_token"]
    monkeypatch.setattr(data_export, "PAGE", 2)
    found = ask(app, access).get_json()
    assert len({each["id"] for each in found["sessions"]}) == len(found["sessions"]) == 7
    assert len(found["links"]) == len(rows(app, "SELECT id FROM one_time_tokens WHERE user_id = 1"))


@pytest.mark.both_databases(slow=True)
def test_export_holds_no_connection_while_it_is_sent(app: Flask) -> None:
    access = member(app)
    before = checked_out(app)
    response = ask(app, access)
    chunk = next(iter(response.response))
    assert 0 < len(chunk) < int(response.headers["Content-Length"])
    assert checked_out(app) == before
    response.close()


def test_account_has_one_export_at_a_time(app: Flask) -> None:
    access, other = member(app), member(app, "grace")
    first = ask(app, access)
    assert said(second := ask(app, access)) == RUNNING
    assert second.headers["Retry-After"] == "60"
    assert ask(app, other).get_json()["user"]["username"] == "grace"
    assert first.get_json()["user"]["username"] == "ada"
    assert ask(app, access).get_json()["user"]["username"] == "ada"
    assert events(app).count("data_exported") == 3


def test_process_has_two_exports_at_a_time(app: Flask) -> None:
    running = [ask(app, member(app, name)) for name in ("ada", "grace")]
    third = member(app, "eve")
    assert said(ask(app, third)) == RUNNING
    running[0].close()
    assert ask(app, third).get_json()["user"]["username"] == "eve"
    running[1].close()


@pytest.mark.both_databases(slow=True)
def test_concurrent_exports_of_an_account_start_once(make_app: AppFactory) -> None:
    apps = [make_app() for _ in range(3)]
    access = member(apps[0])
    responses = at_once([partial(ask, app, access) for app in apps * 2])
    assert Counter(response.status_code for response in responses) == {200: 1, 429: 5}
    for response in responses:
        response.close()


@pytest.mark.both_databases(slow=True)
def test_lease_of_a_killed_process_ends(make_app: AppFactory, clock: FixedClock) -> None:
    killed, app = make_app(), make_app()
    access = member(app)
    left = ask(killed, access)
    clock.advance(LEASE.total_seconds() - 1)
    assert said(ask(app, access)) == RUNNING
    clock.advance(1)
    successor = ask(app, access)
    assert successor.status_code == 200
    left.close()  # gives back no lease that is another's
    assert said(ask(killed, access)) == RUNNING
    successor.close()
    assert rows(app, "SELECT name FROM leases") == []


def test_small_export_leaves_no_lease(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for _ in range(3):
        assert ask(app, access, "HEAD").status_code == ask(app, access).status_code == 200
    assert rows(app, "SELECT name FROM leases") == []


def test_events_without_room_in_an_export_are_left_out_from_the_oldest(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = member(app)
    whole = ask(app, access).get_json()
    assert whole["events_truncated"] is False
    monkeypatch.setattr(routes, "EXPORT_LIMITS", replace(routes.EXPORT_LIMITS, size=100_000))
    answer = ask(app, access)
    found = answer.get_json()
    assert found["events_truncated"] is True
    assert 99_000 < len(answer.get_data()) <= 100_000
    assert found["events"][1:] == whole["events"][: len(found["events"]) - 1]  # the export itself is new
    assert found.keys() == whole.keys()


def test_event_of_a_stranger_is_as_large_in_an_export_as_it_was_sent(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    before = len(ask(app, access).get_data())
    agent = {"User-Agent": "\xe9" * 512}
    client.post("/auth/password/forgot", json={"email": "ada@example.com"}, headers=agent)
    answer = ask(app, access)
    [asked_for] = [each for each in answer.get_json()["events"] if each["user_agent"] == "é" * 512]
    assert asked_for["event"] == "password_reset_requested"
    assert len(answer.get_data()) - before < 512 * 2 + 1_500


@pytest.mark.provokes_errors
def test_export_without_enough_room_for_all_but_events_is_a_507(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = member(app)
    monkeypatch.setattr(routes, "EXPORT_LIMITS", replace(routes.EXPORT_LIMITS, size=1_000))
    for _ in range(3):  # each one ends
        answer = ask(app, access)
        assert said(answer) == (507, "export_too_large")
        assert set(answer.get_json()) == {"code", "message", "request_id"}


@pytest.mark.provokes_errors
def test_failure_at_a_later_page_is_an_error_and_ends_the_export(app: Flask) -> None:
    access = member(app)
    with app.app_context():
        engine = db.engine
    pages: list[str] = []

    def fail(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith("SELECT audit_events"):
            pages.append(sql)
            if len(pages) == 2:
                raise KeyError("the statement fails")

    event.listen(engine, "before_cursor_execute", fail)
    answer = ask(app, access)
    event.remove(engine, "before_cursor_execute", fail)
    assert said(answer) == (500, "internal_error")
    assert len(json.dumps(answer.get_json())) < 200
    assert ask(app, access).get_json()["user"]["username"] == "ada"
