"""The delay of refusals: duration, number of places, and remembered refusals."""

from collections.abc import Mapping

import pytest

from auth.stores.rate_limits import DatabaseCounters
from models import db
from tests.conftest import AppFactory
from tests.support.service import FixedClock, checked_out
from tests.support.small_limits import limits, wrong_login
from utils.limits.counters import Count
from utils.limits.refusal_delay import RefusalDelay

PAUSE = 0.2


class RecordingCounters(DatabaseCounters):
    """Counters that record how often they are asked."""

    asked = 0

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        self.asked += 1
        return super().count(quotas, window)


def test_refusal_is_delayed_and_accepted_call_is_not(make_app: AppFactory, clock: FixedClock) -> None:
    waits: list[float] = []
    app = make_app(limiter=limits(clock, login=1), refusal_delay=RefusalDelay(PAUSE, wait=waits.append))
    assert (wrong_login(app).status_code, waits) == (401, [])
    assert (wrong_login(app).status_code, waits) == (429, [PAUSE])


def test_delayed_refusals_are_limited_by_places() -> None:
    """Each call that is held makes the next call, so that all of them are held at the same time."""
    waits: list[float] = []

    def wait(pause: float) -> None:
        waits.append(pause)
        delay.hold()

    delay = RefusalDelay(PAUSE, places=2, wait=wait)
    delay.hold()
    assert waits == [PAUSE] * 2
    delay.hold()  # the places are free again
    assert waits == [PAUSE] * 4


def test_testing_app_has_no_refusal_delay(make_app: AppFactory, clock: FixedClock) -> None:
    waits: list[float] = []
    app = make_app(limiter=limits(clock, login=1))
    app.extensions["auth_services"].refusal_delay._wait = waits.append
    assert [wrong_login(app).status_code for _ in range(2)] == [401, 429]
    assert waits == []


def test_delayed_refusal_holds_no_database_connection(make_app: AppFactory, clock: FixedClock) -> None:
    found: list[int] = []

    class Looking(RefusalDelay):
        def hold(self) -> None:
            found.append(checked_out(app))

    app = make_app(limiter=limits(clock, login=1), refusal_delay=Looking())
    assert [wrong_login(app).status_code for _ in range(3)] == [401, 429, 429]
    assert found == [0, 0]


@pytest.mark.parametrize("step", [59.0, 60.0])
def test_refusal_is_cached_until_the_window_ends(
    make_app: AppFactory, clock: FixedClock, step: float
) -> None:
    counters = RecordingCounters(db.session, clock)
    app = make_app(limiter=limits(clock, counters, login=2))
    assert [wrong_login(app).status_code for _ in range(6)] == [401, 401, 429, 429, 429, 429]
    before = counters.asked
    assert wrong_login(app).status_code == 429
    assert counters.asked == before  # the counters were not asked
    clock.advance(step)
    assert wrong_login(app).status_code == (429 if step < 60 else 401)
    assert wrong_login(app, address="192.0.2.9").status_code == 401


def test_cached_refusal_expires_when_the_clock_is_set_back(make_app: AppFactory, clock: FixedClock) -> None:
    counters = RecordingCounters(db.session, clock)
    app = make_app(limiter=limits(clock, counters, login=1))
    assert [wrong_login(app).status_code for _ in range(2)] == [401, 429]
    clock.advance(-3600)
    before = counters.asked
    wrong_login(app)
    assert counters.asked > before
    clock.advance(60)
    assert wrong_login(app).status_code == 401
