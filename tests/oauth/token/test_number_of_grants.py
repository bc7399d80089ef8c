"""The limit of living grants of an account and client."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from models import db
from oauth.stores import redemptions
from oauth.stores.grants import COUNT_OF_OTHERS, MAX_LIVING
from tests.conftest import ON_POSTGRES
from tests.support.grants import grant_row
from tests.support.interleaving import interleaved_at, without_kept_connections
from tests.support.oauth import client_row
from tests.support.oauth_tokens import grant_rows, issue_code, log_in, redeem, refresh_app, refused
from tests.support.service import START, FixedClock, at_once, execute, rows

OVER = (400, "invalid_grant", "oauth_grant_over")


@pytest.mark.both_databases
def test_least_recently_used_grants_beyond_20_of_an_account_and_client_end(
    app: Flask, clock: FixedClock
) -> None:
    client_row(app)
    client_row(app, "other")
    ada, eve = log_in(app), log_in(app, "eve")
    redeem(app, issue_code(app, *eve))
    redeem(app, issue_code(app, *ada, client_id="other"), client_id="other")
    tokens = []
    for _ in range(20):
        clock.advance(1)
        tokens.append(redeem(app, issue_code(app, *ada)).get_json())
    clock.advance(1)
    assert refresh_app(app, tokens[0]["refresh_token"]).status_code == 200  # used since
    assert {row["end_reason"] for row in grant_rows(app)} == {None}
    clock.advance(1)
    assert redeem(app, issue_code(app, *ada)).status_code == 200
    ended = [row for row in grant_rows(app) if row["ended_at"]]
    assert [(row["client_id"], row["user_id"], row["end_reason"]) for row in ended] == [
        ("app", ada[0], "too_many")
    ]
    assert refused(refresh_app(app, tokens[1]["refresh_token"])) == OVER
    assert refresh_app(app, tokens[2]["refresh_token"]).status_code == 200


def living(app: Flask) -> int:
    return len(rows(app, "SELECT id FROM oauth_grants WHERE ended_at IS NULL"))


@pytest.mark.both_databases(slow=True)
def test_no_more_than_20_grants_live_after_two_redemptions_interleaved_at_any_statement(app: Flask) -> None:
    client_row(app)
    without_kept_connections(app)
    user, session = log_in(app)
    for _ in range(MAX_LIVING):
        grant_row(app, session, user_id=user)
    for number in range(1, 40):
        first, second = issue_code(app, user, session), issue_code(app, user, session)

        def meanwhile(code: str = second) -> None:
            redeem(app, code)

        with interleaved_at(app, number, meanwhile) as statements:
            assert redeem(app, first).status_code == 200
        if len(statements) < number:
            break
        assert living(app) == MAX_LIVING, statements[number - 1]
    assert number > 4


@pytest.mark.both_databases
def test_no_more_than_20_grants_live_after_two_redemptions_for_the_last_place(app: Flask) -> None:
    client_row(app)
    without_kept_connections(app)
    user, session = log_in(app)
    for number in range(1, 40):
        execute(app, "DELETE FROM oauth_grants")
        for _ in range(MAX_LIVING - 1):
            grant_row(app, session, user_id=user)
        first, second = issue_code(app, user, session), issue_code(app, user, session)
        with interleaved_at(app, number, partial(redeem, app, second)) as statements:
            assert redeem(app, first).status_code == 200
        if len(statements) < number:
            break
        assert living(app) == MAX_LIVING, statements[number - 1]
    assert number > 4


@pytest.mark.both_databases(slow=True)
def test_no_more_than_20_grants_live_after_16_redemptions_at_once(app: Flask) -> None:
    client_row(app)
    user, session = log_in(app)
    for _ in range(MAX_LIVING - 4):
        grant_row(app, session, user_id=user)
    codes = [issue_code(app, user, session) for _ in range(16)]
    answers = at_once([partial(redeem, app, code) for code in codes])
    assert [answer.status_code for answer in answers] == [200] * 16
    assert living(app) == MAX_LIVING


@ON_POSTGRES
def test_redemption_at_once_leaves_the_last_places_to_a_transaction(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its count misses grants that start between its snapshot and its lock of the account."""
    client_row(app)
    user, session = log_in(app)
    done, really = list[bool](), redemptions.redeem_at_once

    def at_once(*given: Any) -> bool:
        done.append(really(*given))
        return done[-1]

    monkeypatch.setattr(redemptions, "redeem_at_once", at_once)
    for _ in range(MAX_LIVING - redemptions.ROOM - 1):
        grant_row(app, session, user_id=user)
    for _ in range(2):
        assert redeem(app, issue_code(app, user, session)).status_code == 200
    assert done == [True, False]


@ON_POSTGRES
def test_count_of_an_accounts_grants_reads_no_others_in_a_table_without_statistics(app: Flask) -> None:
    """Else each redemption reads every grant of a young service."""
    client_row(app)
    user, session = log_in(app)
    for _ in range(5):
        grant_row(app, session, user_id=None)
    names = {"of_user": user, "of_client": "app", "newest": uuid4(), "now": START}
    with app.app_context(), db.engine.connect() as connection:
        counted = select(COUNT_OF_OTHERS).compile(db.engine)
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of one page is read as a whole
        plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE) {counted}", names).scalars().all()
    assert not [line for line in plan if "Rows Removed" in line], plan
