"""Redeeming a code while its session ends, and while the database fails."""

from functools import partial
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.failing_services import everything, failing_at
from tests.support.interleaving import interleaved_at
from tests.support.oauth import client_row
from tests.support.oauth_tokens import code_of, issue_code, redeem, refused
from tests.support.service import rows, signed_in

pytestmark = pytest.mark.both_databases

LIVE = """
SELECT oauth_grants.id FROM oauth_grants JOIN sessions ON sessions.id = session_id
WHERE oauth_grants.ended_at IS NULL AND sessions.ended_at IS NOT NULL
"""


def prepared(app: Flask, name: str) -> tuple[str, str]:
    """Return the refresh token of a session, and a code of it."""
    token = signed_in(app.test_client(), name)["refresh_token"]
    sql = "SELECT sessions.id, user_id FROM sessions JOIN users ON users.id = user_id WHERE username = :name"
    (found,) = rows(app, sql, name=name)
    return token, issue_code(app, found["user_id"], UUID(str(found["id"])))


@pytest.mark.slow
@pytest.mark.parametrize("redeems_first", [True, False], ids=["code first", "logout first"])
def test_no_grant_outlives_a_logout_interleaved_at_every_statement(app: Flask, redeems_first: bool) -> None:
    client_row(app)
    for number in range(1, 60):
        token, code = prepared(app, f"ada-{number}")
        redeems = partial(redeem, app, code)
        ends = partial(app.test_client().post, "/auth/logout", json={"refresh_token": token})
        first, second = (redeems, ends) if redeems_first else (ends, redeems)
        answers: list[int] = []

        def meanwhile(call: partial[TestResponse] = second, to: list[int] = answers) -> None:
            to.append(call().status_code)

        with interleaved_at(app, number, meanwhile) as asked:
            answers.append(first().status_code)
        if len(asked) < number:
            break
        assert 204 in answers, asked[number - 1]
        assert set(answers) <= {204, 200, 400}
        assert rows(app, LIVE) == [], asked[number - 1]
    assert number > 4


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
