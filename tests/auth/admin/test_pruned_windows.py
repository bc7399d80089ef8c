"""The pruning of rate-limit windows: as many rows as are asked for, whatever plan the database chooses."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, text

from auth.stores import rate_limits
from models import RateLimit
from tests.support.service import rows
from utils.services import services

PLANS = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize")


@pytest.mark.both_databases
def test_windows_to_delete_are_chosen_once_whatever_the_plan(app: Flask) -> None:
    with app.app_context():
        tx, now = services().tx(), services().clock.now()
        over = now - timedelta(seconds=1)
        tx.execute(insert(RateLimit), [{"key": f"k{n}", "calls": 1, "ends_at": over} for n in range(13)])
        if tx.get_bind().dialect.name == "postgresql":  # a nested loop, which repeats a subquery for each row
            for method in PLANS:
                tx.execute(text(f"SET LOCAL enable_{method} = off"))
        assert rate_limits.prune(tx, now, 2) == 2
        tx.commit()
    assert rows(app, "SELECT count(*) AS n FROM rate_limits") == [{"n": 11}]
