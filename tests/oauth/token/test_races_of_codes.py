"""Redeeming a code by 16 calls at once, while its session ends, and while the database fails."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, get_ident
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from models import db
from oauth.stores import redemptions
from oauth.stores.clients import Calling
from oauth.stores.redemptions import FoundCode
from tests.conftest import ON_POSTGRES
from tests.support.failing_services import everything, failing_at
from tests.support.interleaving import interleaved_at, without_kept_connections
from tests.support.oauth import client_row
from tests.support.oauth_tokens import code_of, grant_rows, redeem, refresh_app, refused
from tests.support.server import until
from tests.support.service import at_once, rows
from utils.database import reads

pytestmark = pytest.mark.both_databases

END = (
    "UPDATE sessions SET ended_at = created_at WHERE id = :session",
    "UPDATE oauth_grants SET ended_at = created_at WHERE session_id = :session",
)
LIVE = """
SELECT oauth_grants.id FROM oauth_grants JOIN sessions ON sessions.id = session_id
WHERE oauth_grants.ended_at IS NULL AND sessions.ended_at IS NOT NULL
"""
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def end(app: Flask, session: Any) -> None:
    """End a session and its grants, in the order and the transaction of every end of sessions."""
    with app.app_context(), db.engine.begin() as connection:
        for sql in END:
            connection.execute(text(sql), {"session": session})


def test_no_grant_outlives_an_end_of_its_session_at_any_statement(app: Flask) -> None:
    client_row(app)
    without_kept_connections(app)
    for number in range(1, 40):
        code = code_of(app, f"ada-{number}")
        (found,) = rows(
            app,
            "SELECT sessions.id FROM sessions JOIN users ON users.id = user_id WHERE username = :name",
            name=f"ada-{number}",
        )
        with interleaved_at(app, number, partial(end, app, found["id"])) as asked:
            answer = redeem(app, code)
        assert answer.status_code in {200, 400}
        if len(asked) < number:
            break
        assert rows(app, LIVE) == [], asked[number - 1]
    assert answer.status_code == 200
    assert number > 3


@ON_POSTGRES
def test_redemption_during_an_end_of_its_session_waits_for_it_and_starts_no_grant(app: Flask) -> None:
    client_row(app)
    code = code_of(app)
    (session,) = rows(app, "SELECT id FROM sessions")
    with app.app_context(), db.engine.connect() as ending, ThreadPoolExecutor(1) as pool:
        for sql in END:
            ending.execute(text(sql), {"session": session["id"]})
        answer = pool.submit(redeem, app, code)
        until(lambda: answer.done() or bool(rows(app, WAITING)), "the redemption waits for the session")
        ending.commit()
        assert refused(answer.result()) == (400, "invalid_grant", "oauth_grant_over")
    assert rows(app, LIVE) == []


def test_of_16_calls_that_all_found_the_code_unused_one_gets_tokens(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_row(app)
    code, barrier, waited = code_of(app), Barrier(16, timeout=30), set[int]()
    really_find = redemptions.found_for_caller

    def found(*given: Any) -> tuple[Calling | None, FoundCode | None]:
        first = really_find(*given)
        if get_ident() not in waited:
            waited.add(get_ident())
            barrier.wait()
        return first

    monkeypatch.setattr(redemptions, "found_for_caller", found)
    answers = at_once([partial(redeem, app, code)] * 16)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
    assert {refused(answer)[2] for answer in answers} == {"", "oauth_code_reused"}
    (grant,) = grant_rows(app)
    assert grant["end_reason"] == "code_reused"


@pytest.mark.provokes_errors
def test_database_failure_at_any_statement_of_an_exchange_changes_nothing(app: Flask) -> None:
    client_row(app)
    without_kept_connections(app)
    refused(redeem(app, code_of(app, "bob")))  # the first use of the client is written apart
    code = code_of(app)
    before = everything(app)
    for number in range(1, 40):
        with failing_at(app, number, "OperationalError") as asked:
            answer = redeem(app, code)
        if len(asked) < number:
            break
        assert refused(answer) == (503, "temporarily_unavailable", "unavailable"), asked
        assert everything(app) == before, asked
    assert answer.status_code == 200


@ON_POSTGRES
def test_redemption_whose_answer_from_the_database_is_lost_returns_the_tokens(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement took effect, and is repeated: it finds its own grant."""
    client_row(app)
    code, lost, really = code_of(app), list[str](), reads._CompiledRead.first

    def lose(self: Any, driver: Any, values: Any) -> Any:
        found = really(self, driver, values)
        if "UPDATE oauth_codes" in self._text:
            lost.append("answer")
            raise psycopg.OperationalError("the connection is lost")
        return found

    monkeypatch.setattr(reads._CompiledRead, "first", lose)
    tokens = redeem(app, code)
    assert (tokens.status_code, lost) == (200, ["answer"])
    (grant,) = grant_rows(app)
    assert grant["ended_at"] is None
    assert len(rows(app, "SELECT id FROM audit_events WHERE event = 'app_signed_in'")) == 1
    assert refresh_app(app, tokens.get_json()["refresh_token"]).status_code == 200


@ON_POSTGRES
def test_redemption_is_one_statement_after_the_one_that_reads_the_code(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_row(app)
    for name in ("bob", "eve"):  # makes the keys and writes the first use of the client; reads the keys
        redeem(app, code_of(app, name))
    code, sent, really = code_of(app), list[bool](), reads._CompiledRead.first

    def counted(self: Any, driver: Any, values: Any) -> Any:
        sent.append("UPDATE oauth_codes" in self._text)
        return really(self, driver, values)

    monkeypatch.setattr(reads._CompiledRead, "first", counted)
    with interleaved_at(app, 0, lambda: None) as asked:  # what runs through SQLAlchemy
        assert redeem(app, code).status_code == 200
    assert (asked, sent) == ([], [False, True])


@ON_POSTGRES
def test_redemption_at_once_does_nothing_while_another_transaction_has_the_account(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one may start a grant that the statement would not count. A transaction waits, and decides."""
    client_row(app)
    code, done, really = code_of(app), list[bool](), redemptions.redeem_at_once

    def at_once(*given: Any) -> bool:
        done.append(really(*given))
        return done[-1]

    monkeypatch.setattr(redemptions, "redeem_at_once", at_once)
    with app.app_context(), db.engine.connect() as holder, ThreadPoolExecutor(1) as pool:
        holder.execute(text("SELECT id FROM users FOR UPDATE"))
        answer = pool.submit(redeem, app, code)
        until(lambda: rows(app, WAITING), "the redemption waits for the account")
        holder.rollback()
        assert answer.result().status_code == 200
    assert done == [False]
    assert len(grant_rows(app)) == 1
