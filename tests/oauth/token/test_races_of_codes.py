"""Redeeming a code by 16 calls at once, while its session ends, and while the database fails."""

from functools import partial
from threading import Barrier, get_ident
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from models import db
from oauth.stores import redemptions
from oauth.stores.clients import Calling
from oauth.stores.redemptions import FoundCode
from tests.support.failing_services import everything, failing_at
from tests.support.interleaving import interleaved_at
from tests.support.oauth import client_row
from tests.support.oauth_tokens import code_of, grant_rows, redeem, refused
from tests.support.service import at_once, rows

pytestmark = pytest.mark.both_databases

END = (
    "UPDATE sessions SET ended_at = created_at WHERE id = :session",
    "UPDATE oauth_grants SET ended_at = created_at WHERE session_id = :session",
)
LIVE = """
SELECT oauth_grants.id FROM oauth_grants JOIN sessions ON sessions.id = session_id
WHERE oauth_grants.ended_at IS NULL AND sessions.ended_at IS NOT NULL
"""


def end(app: Flask, session: Any) -> None:
    """End a session and its grants, in the order and the transaction of every end of sessions."""
    with app.app_context(), db.engine.begin() as connection:
        for sql in END:
            connection.execute(text(sql), {"session": session})


def test_no_grant_outlives_an_end_of_its_session_at_any_statement(app: Flask) -> None:
    client_row(app)
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
    assert number > 4


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
