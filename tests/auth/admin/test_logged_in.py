"""Who is logged in: `flask auth who`, and the number in the metrics."""

import math
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sqlalchemy_event

from auth.admin.logged_in import Counting
from auth.stores import logged_in
from models import db
from tests.conftest import AppFactory
from tests.support.commands import asked, auth, event, written
from tests.support.requests import DAY, HOUR
from tests.support.service import FixedClock, bearer, execute, login, refresh, register, signed_in
from utils.services import services

pytestmark = pytest.mark.both_databases


def names(app: Flask, *options: str) -> list[str]:
    return [each["username"] for each in asked(app, "who", *options)["users"]]


def test_who_lists_accounts_with_a_live_session(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    pair = signed_in(client)
    clock.advance(60)
    signed_in(client)
    for name in ("bob", "eve", "joe"):
        signed_in(client, name)
    register(client, "never")
    client.post("/auth/logout", headers=bearer(login(client, "eve").get_json()["access_token"]))
    auth(app, "end-sessions", "joe")
    clock.advance(60)
    assert refresh(client, pair["refresh_token"]).status_code == 200
    told = asked(app, "who")
    assert told["more"] is False
    assert told["users"][0] == {
        "id": 1,
        "username": "ada",
        "email": "ada@example.com",
        "sessions": 2,
        "last_used_at": "2026-03-01T12:02:00Z",
    }
    assert [(each["username"], each["sessions"]) for each in told["users"]] == [
        ("ada", 2),
        ("bob", 1),
        ("eve", 1),
    ]
    lines = auth(app, "who").stdout.splitlines()
    assert lines[0].strip() == "1  ada  <ada@example.com>  2 sessions, last used 2026-03-01 12:02 UTC"
    assert written(app)[-2:] == [event("accounts_listed", None, 3)] * 2
    clock.advance(DAY // 2)
    assert names(app) == []
    assert auth(app, "who").stdout == "No account is logged in.\n"


def test_who_is_bounded_and_goes_on_after_an_id(app: Flask, client: FlaskClient) -> None:
    for name in ("ada", "bob", "eve"):
        signed_in(client, name)
    first = asked(app, "who", "--limit", "2")
    assert ([each["id"] for each in first["users"]], first["more"]) == ([1, 2], True)
    assert auth(app, "who", "--limit", "2").stdout.splitlines()[-1] == "There are more: --after 2"
    assert names(app, "--after", "2") == ["eve"]
    assert asked(app, "who", "--after", "2")["more"] is False
    for wrong in (["--limit", "0"], ["--limit", "10001"], ["--after", "-1"]):
        assert auth(app, "who", *wrong).exit_code == 2


def counted(app: Flask, counting: Counting) -> float | None:
    """Run a step; return the number in the metrics, or None if there is none."""
    with app.app_context():
        assert counting.step(services()) is False
        samples = next(iter(services().metrics.accounts.collect())).samples
    return next((each.value for each in samples if each.labels == {"state": "logged_in"}), None)


def test_metric_counts_accounts_that_are_logged_in(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    counting = Counting()
    pair = signed_in(client)
    signed_in(client)
    signed_in(client, "bob", remember=True)
    assert counted(app, counting) == 2
    client.post("/auth/logout", headers=bearer(pair["access_token"]))
    auth(app, "disable", "bob")
    clock.advance(60)
    assert counted(app, counting) == 1
    clock.advance(12 * HOUR)
    assert counted(app, counting) == 0


def test_metric_is_counted_once_a_minute_at_most(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    counting = Counting()
    assert counted(app, counting) == 0
    signed_in(client)
    clock.advance(59)
    assert counted(app, counting) == 0
    clock.advance(1)
    assert counted(app, counting) == 1
    signed_in(client, "bob")
    clock.advance(-DAY)  # a clock that was set back does not stop it
    assert counted(app, counting) == 2


def test_scrape_wakes_the_counting_and_runs_no_statement(app: Flask, client: FlaskClient) -> None:
    woken, asked_for = [], []
    built = app.extensions["auth_services"]

    def note(_c: object, _cursor: object, sql: str, _p: object, _context: object, _many: bool) -> None:
        asked_for.append(sql)

    class Waking:
        def wake(self) -> None:
            woken.append(1)

        def stop(self) -> None:
            """Nothing runs."""

    object.__setattr__(built, "counting", Waking())
    object.__setattr__(built, "reads", None)  # their statements are not seen below
    with app.app_context():
        engine = db.engine
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get("/metrics").status_code == 200
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    assert (woken, asked_for) == ([1], [])


def test_count_looks_at_a_bounded_number_of_sessions(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    for name in ("ada", "bob", "eve"):
        signed_in(client, name)
    with app.app_context():
        for limit, found in ((2, 2), (3, 3), (logged_in.MAX_COUNTED, 3)):
            statement = logged_in.counting(limit)
            assert services().reads.first(statement, {"now": clock.now()}) == (found,)


@pytest.mark.provokes_errors
def test_metric_is_nan_while_the_database_does_not_answer(make_app: AppFactory, clock: FixedClock) -> None:
    app, counting = make_app(), Counting()
    assert counted(app, counting) == 0

    class Away:
        def first(self, *_: Any) -> Any:
            raise ConnectionError

        def close(self) -> None:
            """Nothing is open."""

    reads = app.extensions["auth_services"].reads
    object.__setattr__(app.extensions["auth_services"], "reads", Away())
    clock.advance(60)
    with pytest.raises(ConnectionError), app.app_context():
        counting.step(services())
    clock.advance(1)
    found = counted(app, counting)  # not asked again within the minute
    assert found is not None
    assert math.isnan(found)
    object.__setattr__(app.extensions["auth_services"], "reads", reads)
    clock.advance(60)
    assert counted(app, counting) == 0
    execute(app, "DELETE FROM sessions")
