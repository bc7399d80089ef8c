"""A day of one member who refreshes and one stranger who asks for challenges, as often as limits allow."""

import os

import pytest
from flask import Flask
from sqlalchemy import func, select

from models import db
from tests.conftest import AppFactory
from tests.support.documents import code_in, read, table_rows
from tests.support.requests import post, run_slice
from tests.support.service import FixedClock, refresh, signed_in
from utils.limits.rate_limits import POLICIES

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

MINUTES = 24 * 60
REFRESHES = POLICIES["refresh-session"].quota * 60 // POLICIES["refresh-session"].window  # a minute
CHALLENGES = int(os.environ.get("GROWTH_CHALLENGES", POLICIES["passkey-options"].quota))  # a minute


def sizes(app: Flask) -> dict[str, int]:
    """Return the number of rows of every table that is not empty."""
    with app.app_context(), db.engine.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in db.metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


def test_day_of_refreshes_and_challenges_leaves_the_documented_rows(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app({"RATE_LIMIT_ENABLED": "true"})
    member, stranger = app.test_client(), app.test_client()
    stranger.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    token = signed_in(member, remember=True)["refresh_token"]
    for _ in range(MINUTES):
        for _ in range(CHALLENGES):
            assert post(stranger, "login/passkey/options").status_code == 200
        for _ in range(REFRESHES):
            answer = refresh(member, token)
            assert answer.status_code == 200, answer.get_data(as_text=True)
            token = answer.get_json()["refresh_token"]
            clock.advance(60 / REFRESHES)
        run_slice(app)
    told = table_rows(read("docs/reference/data.md"), "table", "rows after a day")
    assert sizes(app) == {code_in(row[0])[0]: int(row[1]) for row in told}
