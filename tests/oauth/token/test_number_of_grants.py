"""The limit of living grants of an account and client."""

import pytest
from flask import Flask

from tests.support.oauth import client_row
from tests.support.oauth_tokens import grant_rows, issue_code, log_in, redeem, refresh_app, refused
from tests.support.service import FixedClock

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
