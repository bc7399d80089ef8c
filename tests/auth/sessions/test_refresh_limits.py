"""Limits of refreshes: genuine tokens count for their session, all others for the client's network."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.requests import HOUR, asked, prune, said
from tests.support.service import FixedClock, events, refresh, rows, signed_in
from tests.support.small_limits import limits, told
from utils.limits.rate_limits import POLICIES
from utils.token_rotation import is_first_of_hour

LIMITED = (429, "rate_limited")
MALFORMED = ["x", "A" * 76, "a.b.c", "A" * 512]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def small(make_app: AppFactory, clock: FixedClock) -> Flask:
    """Return an app with three refreshes a session, and two wrong ones a network."""
    return make_app(limiter=limits(clock, refresh=2, refresh_session=3))


@contextmanager
def read(app: Flask) -> Iterator[list[Any]]:
    """Yield the statements that are run outside a transaction from now on."""
    reads, statements = app.extensions["auth_services"].reads, list[Any]()
    first = reads.first

    def note(statement: Any, values: Any) -> Any:
        statements.append(statement)
        return first(statement, values)

    reads.first = note
    yield statements
    del reads.first


def forged(token: str) -> str:
    """Return the token with another MAC."""
    return token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")


def test_session_has_30_refreshes_in_5_minutes() -> None:
    assert (POLICIES["refresh-session"].quota, POLICIES["refresh-session"].window) == (30, 300)


@pytest.mark.both_databases(slow=True)
def test_wrong_tokens_of_a_network_do_not_block_its_sessions(small: Flask) -> None:
    client = small.test_client()
    token = signed_in(client)["refresh_token"]
    assert [refresh(client, "x").status_code for _ in range(4)] == [401, 401, 429, 429]
    for _ in range(3):
        answer = refresh(client, token)
        assert told(answer)["RateLimit-Policy"] == '"refresh-session";q=3;w=300'
        token = answer.get_json()["refresh_token"]
    answer = refresh(client, token)
    assert said(answer) == LIMITED
    assert told(answer) == {
        "Retry-After": "300",
        "RateLimit": '"refresh-session";r=0;t=300',
        "RateLimit-Policy": '"refresh-session";q=3;w=300',
    }
    assert refresh(client, signed_in(client, "grace")["refresh_token"]).status_code == 200


def test_refresh_over_the_limit_does_not_end_the_session(small: Flask, clock: FixedClock) -> None:
    client = small.test_client()
    token = signed_in(client)["refresh_token"]
    for _ in range(3):
        token = refresh(client, token).get_json()["refresh_token"]
    assert [said(refresh(client, token)) for _ in range(3)] == [LIMITED] * 3
    clock.advance(300)
    assert refresh(client, token).status_code == 200


def test_used_tokens_count_for_their_session(small: Flask) -> None:
    """Within the grace period they return the successor, as often as the limit allows."""
    client = small.test_client()
    token = signed_in(client)["refresh_token"]
    assert [refresh(client, token).status_code for _ in range(5)] == [200] * 3 + [429] * 2


def test_forged_tokens_count_for_the_network_and_not_for_the_session(small: Flask) -> None:
    client = small.test_client()
    token = signed_in(client)["refresh_token"]
    assert [refresh(client, forged(token)).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert rows(small, "SELECT key FROM rate_limits WHERE key LIKE 'refresh%'") == [
        {"key": "refresh:127.0.0.1"}
    ]
    assert refresh(client, token).status_code == 200


@pytest.mark.parametrize("token", MALFORMED)
def test_malformed_tokens_cost_no_read(app: Flask, client: FlaskClient, token: str) -> None:
    with asked(app) as statements, read(app) as reads:
        assert said(refresh(client, token)) == (401, "refresh_token_invalid")
    assert (statements, reads) == ([], [])


def test_genuine_refresh_reads_once_before_it_is_counted(small: Flask) -> None:
    client = small.test_client()
    token = signed_in(client)["refresh_token"]
    token = refresh(client, token).get_json()["refresh_token"]
    with asked(small) as statements, read(small) as reads:
        token = refresh(client, token).get_json()["refresh_token"]
    assert [statement.split()[0] for statement in statements] == ["INSERT", "UPDATE"]
    assert "rate_limits" in statements[0]
    assert len(reads) == 1
    for _ in range(2):
        token = refresh(client, token).get_json().get("refresh_token", token)
    with asked(small) as statements, read(small) as reads:  # this process knows that the limit is reached
        assert said(refresh(client, token)) == LIMITED
    assert (statements, len(reads)) == ([], 1)


def test_session_writes_one_refresh_event_an_hour(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    mine, other = signed_in(client)["refresh_token"], signed_in(client)["refresh_token"]
    for _ in range(HOUR // 60):
        mine = refresh(client, mine).get_json()["refresh_token"]
        clock.advance(60)
    assert events(app).count("session_refreshed") == 1
    refresh(client, other)
    assert events(app).count("session_refreshed") == 2
    refresh(client, mine)
    assert events(app).count("session_refreshed") == 3
    written = rows(app, "SELECT DISTINCT session_id FROM audit_events WHERE event = 'session_refreshed'")
    assert len(written) == 2


def test_refreshes_of_a_day_leave_bounded_tables(make_app: AppFactory, clock: FixedClock) -> None:
    """One member refreshes as often as the limits allow, 50 minutes of each hour left out for speed."""
    app = make_app(limiter=limits(clock, refresh_session=30))
    client = app.test_client()
    token = signed_in(client)["refresh_token"]
    for _ in range(11):
        for _ in range(2):
            answers = [refresh(client, token) for _ in range(3)]
            token = answers[-1].get_json()["refresh_token"]
            clock.advance(300)
        clock.advance(HOUR - 600)
    assert events(app).count("session_refreshed") == 11
    prune(app)
    assert len(rows(app, "SELECT key FROM rate_limits WHERE key LIKE 'refresh%'")) <= 1


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (None, NOON, True),
        (NOON, NOON + timedelta(minutes=59, seconds=59), False),
        (NOON, NOON + timedelta(hours=1), True),
        (NOON + timedelta(minutes=59), NOON + timedelta(hours=1), True),
        (NOON + timedelta(seconds=20), NOON - timedelta(seconds=1), False),  # the clocks of machines differ
        (NOON, NOON - timedelta(hours=2), True),  # the clock was set back
    ],
)
def test_first_rotation_of_an_hour(last: datetime | None, now: datetime, expected: bool) -> None:
    assert is_first_of_hour(last, now) is expected
