"""The readiness check: one at a time, with a deadline for those who ask."""

from collections.abc import Iterator
from contextlib import suppress
from threading import Event, active_count
from time import monotonic

import pytest

from tests.support.failing_services import without_threads
from tests.support.server import until
from tests.support.service import at_once
from utils.database.readiness import CheckTimeout, Readiness


class Database:
    """A check that counts its calls and, while frozen, hangs."""

    def __init__(self) -> None:
        self.calls, self.answers, self.result = 0, Event(), True

    def check(self) -> bool:
        self.calls += 1
        self.answers.wait()
        return self.result


@pytest.fixture
def frozen() -> Iterator[Database]:
    database = Database()
    yield database
    database.answers.set()


def test_check_is_repeated_for_each_question() -> None:
    database = Database()
    database.answers.set()
    readiness = Readiness(database.check)
    assert readiness.ask() is True
    database.result = False
    assert readiness.ask() is False
    assert database.calls == 2


def test_error_of_the_check_is_raised_and_the_next_check_runs() -> None:
    failures = [TimeoutError("of the driver"), OSError("connection refused")]

    def check() -> bool:
        if failures:
            raise failures.pop()
        return True

    readiness = Readiness(check)
    with pytest.raises(OSError, match="connection refused"):
        readiness.ask()
    with pytest.raises(TimeoutError, match="of the driver"):
        readiness.ask()
    assert readiness.ask() is True


def test_check_runs_again_after_its_thread_could_not_start() -> None:
    database = Database()
    database.answers.set()
    readiness = Readiness(database.check)
    with without_threads(), pytest.raises(RuntimeError):
        readiness.ask()
    assert readiness.ask() is True


def test_hanging_check_is_not_started_twice(frozen: Database) -> None:
    readiness, threads = Readiness(frozen.check, timeout=0.05), active_count()

    def ask() -> bool:
        with pytest.raises(CheckTimeout):
            readiness.ask()
        return True

    began = monotonic()
    assert at_once([ask] * 8) == [True] * 8
    ask()
    assert monotonic() - began < 5
    assert (frozen.calls, active_count() - threads) == (1, 1)


def test_check_runs_again_after_a_hanging_one_has_ended(frozen: Database) -> None:
    readiness = Readiness(frozen.check, timeout=0.01)
    with pytest.raises(CheckTimeout):
        readiness.ask()
    frozen.answers.set()

    def answers() -> bool:
        with suppress(CheckTimeout):
            return readiness.ask()
        return False

    until(answers, "the check to run again")
    assert frozen.calls >= 2
