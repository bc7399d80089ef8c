"""Whoever is refused is held for a moment, so many at once, and then not asked about again."""

import time

import pytest
from flask import Flask

from auth.stores.rate_limits import DatabaseCounters
from models import db
from tests.conftest import AppFactory
from tests.support.service import FixedClock, at_once, checked_out
from tests.support.small_limits import guess, limits
from utils.limits.rate_limits import Count
from utils.limits.refusal_delay import RefusalDelay

PAUSE = 0.2


class Noting(DatabaseCounters):
    """Counts how often it is asked."""

    asked = 0

    def hit(self, key: str, window: int) -> Count:
        self.asked += 1
        return super().hit(key, window)


def seconds(app: Flask) -> float:
    began = time.monotonic()
    assert guess(app).status_code == 429
    return time.monotonic() - began


def test_a_refusal_is_slow_and_an_answer_is_not(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login=1), refusal_delay=RefusalDelay(PAUSE))
    began = time.monotonic()
    assert guess(app).status_code == 401
    assert time.monotonic() - began < PAUSE
    assert seconds(app) >= PAUSE


def test_no_more_are_held_than_there_are_places() -> None:
    pit, began = RefusalDelay(PAUSE, places=2), time.monotonic()

    def held() -> float:
        pit.hold()
        return time.monotonic() - began

    found = sorted(at_once([held] * 6))
    assert sum(each >= PAUSE for each in found) == 2
    pit.hold()  # the places are free again
    assert time.monotonic() - began >= 2 * PAUSE


def test_in_tests_nobody_waits(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login=1))
    assert guess(app).status_code == 401
    assert seconds(app) < PAUSE


def test_nobody_holds_a_connection_meanwhile(make_app: AppFactory, clock: FixedClock) -> None:
    found: list[int] = []

    class Looking(RefusalDelay):
        def hold(self) -> None:
            found.append(checked_out(app))

    app = make_app(limiter=limits(clock, login=1), refusal_delay=Looking())
    assert [guess(app).status_code for _ in range(3)] == [401, 429, 429]
    assert found == [0, 0]


@pytest.mark.parametrize("step", [59.0, 60.0])
def test_a_refusal_is_remembered_until_the_window_ends(
    make_app: AppFactory, clock: FixedClock, step: float
) -> None:
    counters = Noting(db.session, clock)
    app = make_app(limiter=limits(clock, counters, login=2))
    assert [guess(app).status_code for _ in range(6)] == [401, 401, 429, 429, 429, 429]
    before = counters.asked
    assert guess(app).status_code == 429
    assert counters.asked == before  # nobody was asked
    clock.advance(step)
    assert guess(app).status_code == (429 if step < 60 else 401)
    assert guess(app, address="192.0.2.9").status_code == 401


def test_what_is_remembered_does_not_outlast_a_clock_that_is_set_back(
    make_app: AppFactory, clock: FixedClock
) -> None:
    counters = Noting(db.session, clock)
    app = make_app(limiter=limits(clock, counters, login=1))
    assert [guess(app).status_code for _ in range(2)] == [401, 429]
    clock.advance(-3600)
    before = counters.asked
    guess(app)
    assert counters.asked > before
    clock.advance(60)
    assert guess(app).status_code == 401
