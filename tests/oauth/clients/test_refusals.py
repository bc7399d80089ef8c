"""The record of refused calls, and `explain-client`."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import db
from oauth import refusals
from oauth.reasons import EXPLAINED, Cause, Reason
from oauth.refusals import Step
from oauth.stores import refusals as store
from tests.oauth.clients.test_client_authentication import CALLER, basic, refused
from tests.support.authorization_requests import BROWSES, CALLBACK, authorization_query
from tests.support.commands import asked, auth
from tests.support.oauth import SECRET, client_row
from tests.support.requests import asked as statements_of
from tests.support.service import FixedClock, at_once, rows
from utils.services import services
from utils.web import redirect_uris


def noted(
    app: Flask, reason: Reason = Reason.REDIRECT_UNKNOWN, detail: str = "", client_id: str = "app"
) -> None:
    with app.app_context():
        refusals.note(services(), client_id, Step.AUTHORIZE, reason, detail, CALLER)
        db.session.commit()


def counts(app: Flask) -> list[int]:
    return [row["count"] for row in rows(app, "SELECT count FROM oauth_refusals ORDER BY id")]


@pytest.mark.both_databases
def test_refusals_of_a_minute_are_one_row_with_a_count_and_the_first_detail(
    app: Flask, clock: FixedClock
) -> None:
    client_row(app)
    for number in range(3):
        noted(app, detail=f"number {number}")
        clock.advance(2)
    clock.advance(60)
    noted(app, detail="later")
    found = rows(app, "SELECT detail, count, step, request_id FROM oauth_refusals ORDER BY id")
    assert [(row["detail"], row["count"]) for row in found] == [("number 0", 3), ("later", 1)]
    assert (found[0]["step"], found[0]["request_id"]) == ("authorize", CALLER.request_id)


def test_one_refusal_of_a_client_and_cause_is_written_in_a_second(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    client_row(app, "other")
    for _ in range(100):
        noted(app)
        noted(app, Reason.PKCE_MISSING)
    assert counts(app) == [1]
    noted(app, client_id="other")
    noted(app, Reason.CODE_EXPIRED)  # not a stranger: has a slot of its own
    assert counts(app) == [1, 1, 1]
    clock.advance(1)
    noted(app)
    assert counts(app) == [2, 1, 1]


def test_refused_calls_of_the_same_second_begin_no_transaction(app: Flask, client: FlaskClient) -> None:
    """A flood of them costs a read each, and holds no lock."""
    client_row(app)
    wrong = {"client_id": "app", "client_secret": "wrong", "grant_type": "authorization_code", "code": "x"}
    right = wrong | {"client_secret": SECRET}
    page = f"/oauth/authorize?{authorization_query(redirect_uri=f'{CALLBACK}/')}"
    calls: list[Callable[[], TestResponse]] = [
        lambda: client.post("/oauth/token", data=wrong),
        lambda: client.post("/oauth/token", data=right),
        lambda: client.get(page),
        lambda: client.get(page, headers=BROWSES),
        lambda: client.get(f"/oauth/authorize?{authorization_query(client_id='unknown')}"),
    ]
    for call in calls:
        assert call().status_code in {400, 401}
    with statements_of(app) as statements:
        for call in calls:
            assert call().status_code in {400, 401}
    assert statements == []


@pytest.mark.both_databases
def test_rows_are_ten_a_reason_and_fifty_a_client(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    for reason in [*Reason][:8]:
        for number in range(12):
            clock.advance(60)
            noted(app, reason, f"{number}")
    found = rows(app, "SELECT reason, count(*) AS many FROM oauth_refusals GROUP BY reason")
    assert sum(row["many"] for row in found) == store.MAX_OF_CLIENT
    assert max(row["many"] for row in found) == store.MAX_OF_REASON
    newest = rows(app, "SELECT reason, detail FROM oauth_refusals ORDER BY at DESC")[:10]
    assert {row["reason"] for row in newest} == {[*Reason][7]}
    assert [row["detail"] for row in newest] == [str(number) for number in range(11, 1, -1)]


@pytest.mark.both_databases
def test_concurrent_refusals_are_counted_in_one_row(app: Flask) -> None:
    client_row(app)
    values = {"client_id": "app", "reason": "grant_type", "step": "token", "detail": "", "request_id": "r"}

    def count() -> None:
        with app.app_context():
            minute = services().clock.now().replace(second=0, microsecond=0)
            store.count(services().tx(), values | {"at": minute})
            db.session.commit()

    at_once([count] * 8)
    assert counts(app) == [8]


def test_detail_is_printable_and_bounded(app: Flask) -> None:
    client_row(app)
    noted(app, detail="a\x00\n\x1b[31m\u202e" + "b" * 1000)
    detail = rows(app, "SELECT detail FROM oauth_refusals")[0]["detail"]
    assert len(detail) <= 512
    assert detail.isprintable()


def test_old_refusals_are_pruned(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    noted(app)
    with app.app_context():
        assert store.prune(services().tx(), clock.now() - timedelta(days=7), 10) == 0
        assert store.prune(services().tx(), clock.now() + timedelta(seconds=1), 10) == 1


def test_every_reason_has_a_sentence_and_advice() -> None:
    assert set(EXPLAINED) == set(Reason)
    for explained in EXPLAINED.values():
        assert explained.sentence.endswith(".")
        assert explained.advice
    assert all(len(reason) <= 40 for reason in Reason)
    assert all(len(step) <= 20 for step in Step)


def test_explain_client_names_the_difference_and_marks_lines_of_strangers(
    app: Flask, clock: FixedClock
) -> None:
    client_row(app)
    words = redirect_uris.difference("https://app.example.com/cb/", ["https://app.example.com/cb"])
    noted(app, detail=words)
    clock.advance(60)
    noted(app, Reason.PERMISSION_MISSING)
    said = auth(app, "explain-client", "app").stdout
    assert (
        "asked for https://app.example.com/cb/, registered is https://app.example.com/cb: a slash at the end"
        in said
    )
    lines = said.splitlines()
    marked = [line for line in lines if "[anybody can cause this line]" in line]
    assert len(marked) == 1
    assert "authorize: The redirect address is not registered." in marked[0]
    data = asked(app, "explain-client", "App")
    assert [(each["reason"], each["by_anybody"]) for each in data["refusals"]] == [
        ("permission_missing", False),
        ("redirect_unknown", True),
    ]


@pytest.mark.parametrize(("kind", "by_anybody"), [("web", False), ("spa", True)])
def test_refusals_of_a_public_client_are_marked_as_caused_by_anyone(
    app: Flask, kind: str, by_anybody: bool
) -> None:
    client_row(app, kind=kind)
    assert EXPLAINED[Reason.CODE_UNKNOWN].cause is Cause.CLIENT
    noted(app, Reason.CODE_UNKNOWN)
    assert asked(app, "explain-client", "app")["refusals"][0]["by_anybody"] is by_anybody


def test_explain_client_says_what_stands_in_the_way_now(app: Flask, clock: FixedClock) -> None:
    client_row(app, secret=None, required_permission="app:use", require_factor=True, disabled_at=clock.now())
    said = " ".join(each["text"] for each in asked(app, "explain-client", "app")["findings"])
    for words in (
        "is disabled",
        "no valid secret",
        "the permission app:use",
        "second factor",
        "never authenticated",
    ):
        assert words in said
    unknown = auth(app, "explain-client", "nothing")
    assert unknown.exit_code == 1
    assert "flask --app app auth clients list" in unknown.stderr


def test_explain_client_never_shows_a_secret(app: Flask) -> None:
    client_row(app)
    refused(app, basic("app", SECRET[:-1]))
    assert SECRET[:-1] not in auth(app, "explain-client", "app").stdout


def test_reason_of_a_newer_release_is_shown(app: Flask) -> None:
    client_row(app)
    noted(app)
    with app.app_context():
        db.session.execute(db.text("UPDATE oauth_refusals SET reason = 'new_reason'"))
        db.session.commit()
    assert "The call was refused." in auth(app, "explain-client", "app").stdout
