"""The account's activity log: texts and pagination."""

import base64
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.event_texts import event_text
from auth.events import Event, Refusal
from tests.support.requests import HOUR, disable, enable, post, said
from tests.support.service import (
    FixedClock,
    bearer,
    execute,
    login,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token
from utils.web.cursors import cursor

pytestmark = pytest.mark.both_databases(nightly=True)

KEYS = {"at", "event", "text", "ip_address", "browser", "system"}


def page(client: FlaskClient, access: str, **query: Any) -> dict[str, Any]:
    answer = client.get("/auth/me/activity", headers=bearer(access), query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    assert set(found) == {"events", "next_cursor"}
    return found


@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_readable_text(event: Event) -> None:
    texts = {event_text(event, None), *(event_text(event, reason) for reason in Refusal)}
    assert len(texts) == 1 + len(Refusal)
    for text in texts:
        assert text[0].isupper()
        assert text.endswith(".")
        assert not text.endswith("..")
        assert "_" not in text
        assert len(text.split()) >= 3


def test_event_texts_are_unique() -> None:
    assert len({event_text(event, None) for event in Event}) == len(Event)


@pytest.mark.both_databases(slow=True)
def test_activity_lists_the_newest_event_first(app: Flask, client: FlaskClient) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    register(client)
    login(client, password="a wrong one", headers={"User-Agent": agent})
    access = login(client).get_json()["access_token"]
    found = page(client, access)
    assert found["next_cursor"] is None
    assert [item["text"] for item in found["events"]] == [
        "You logged in.",
        "A login was refused: wrong password.",
        "You signed up.",
    ]
    refused = found["events"][1]
    assert set(refused) == KEYS
    assert (refused["event"], refused["at"]) == ("sign_in_refused", "2026-03-01T12:00:00Z")
    assert (refused["ip_address"], refused["browser"], refused["system"]) == (
        "127.0.0.1",
        "Firefox 145",
        "Linux",
    )


def test_operator_events_hide_the_operator_name_and_device(app: Flask, client: FlaskClient) -> None:
    register(client)
    disable(app)
    enable(app)
    found = page(client, login(client).get_json()["access_token"])["events"]
    assert [item["text"] for item in found[1:3]] == [
        "An operator enabled the account.",
        "An operator disabled the account.",
    ]
    assert all((item["browser"], item["ip_address"]) == (None, None) for item in found[1:3])
    assert "root" not in str(found)


@pytest.mark.both_databases(slow=True)
def test_pages_have_no_gaps_or_duplicates_while_events_are_added(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    pair = signed_in(client)
    other = signed_in(client, "grace")
    for _ in range(9):
        clock.advance(HOUR)
        pair |= refresh(client, pair["refresh_token"]).get_json()
        other |= refresh(client, other["refresh_token"]).get_json()
    access = pair["access_token"]
    whole = page(client, access, limit=100)["events"]
    assert [item["event"] for item in whole] == ["session_refreshed"] * 9 + [
        "signed_in",
        "account_registered",
    ]
    ids = [row["id"] for row in rows(app, "SELECT id FROM audit_events WHERE user_id = 1 ORDER BY id DESC")]
    for size in (1, 2, 3, 10, 11):
        seen, after = 0, None
        while True:
            found = page(client, access, limit=size, **({"cursor": after} if after else {}))
            seen += len(found["events"])
            after = found["next_cursor"]
            if after is None:
                break
            assert len(found["events"]) == size
            assert after == cursor(ids[seen - 1])
            login(client, password="a wrong one")
            login(client, "grace", "a wrong one")
        assert seen == len(ids)
        ids = [
            row["id"] for row in rows(app, "SELECT id FROM audit_events WHERE user_id = 1 ORDER BY id DESC")
        ]


FORGED = [
    "x",
    "====",
    "AAAAAAAAAAA",
    "AAAAAAAAAAAA=",
    "AAAAAAAAAAA=",
    "////////////",
    "____________",
    "\N{LATIN SMALL LETTER DOTLESS I}" * 12,
    "AAAA AAAAAAA",
    "A" * 13,
    "A" * 64,
    "A" * 65,
    "1",
    "-1",
    "1 OR 1=1",
    base64.urlsafe_b64encode((2**63).to_bytes(9, "big")).decode(),
]


def test_malformed_cursors_are_refused(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for forged in FORGED:
        answer = client.get("/auth/me/activity", headers=bearer(access), query_string={"cursor": forged})
        assert said(answer) == (400, "validation_failed"), forged
        assert set(answer.get_json()["fields"]) == {"cursor"}, forged


@pytest.mark.parametrize("row", [0, 1, 2**31, 2**63 - 1])
def test_guessed_cursor_shows_only_own_events(client: FlaskClient, row: int) -> None:
    signed_in(client, "grace")
    access = signed_in(client)["access_token"]
    signed_in(client, "eve")
    found = page(client, access, cursor=cursor(row))["events"]
    assert [item["event"] for item in found] == (["signed_in", "account_registered"] if row > 1 else [])


def test_activity_limit_is_1_to_100(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for limit in ("0", "-1", "101", "1.5", "x", "1e2", "99999999999999999999"):
        answer = client.get("/auth/me/activity", headers=bearer(access), query_string={"limit": limit})
        assert said(answer) == (400, "validation_failed"), limit
        assert set(answer.get_json()["fields"]) == {"limit"}
    for fine in (1, 100):
        assert len(page(client, access, limit=fine)["events"]) == min(fine, 2)


def test_activity_page_has_20_events_by_default(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for _ in range(25):
        login(client, password="a wrong one")
    assert len(page(client, access)["events"]) == 20


def test_activity_requires_a_token_and_shows_only_own_events(app: Flask, client: FlaskClient) -> None:
    grace = signed_in(client, "grace")
    access = signed_in(client)["access_token"]
    query = {"user_id": grace["user"]["id"], "username": "grace"}
    assert len(page(client, access, **query)["events"]) == 2
    execute(app, "UPDATE audit_events SET ip_address = '203.0.113.99' WHERE user_id = 1")
    assert "203.0.113.99" not in str(page(client, access))
    assert said(client.get("/auth/me/activity")) == (401, "token_missing")
    with app.app_context():
        script = generate_jwt_token(1)
    assert len(page(client, script)["events"]) == 2
    post(client, "password/forgot", email="grace@example.com")
    assert len(page(client, script)["events"]) == 3
