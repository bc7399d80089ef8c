"""Pruning by serving processes: slices, their lease, and the thread that begins with the first request."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from app import create_app
from auth.admin import pruning, slices
from auth.stores import leases
from config import DevelopmentConfig, Settings
from models import RateLimit, db
from tests.conftest import AppFactory
from tests.support.requests import DAY
from tests.support.sent_mail import services_of
from tests.support.server import until
from tests.support.service import FixedClock, at_once, events, execute, register, rows
from utils.services import services

pytestmark = pytest.mark.both_databases
Threads = Callable[[], list[threading.Thread]]
SECRETS = {"FLASK_SECRET_KEY": "f" * 40, "JWT_SECRET_KEY": "j" * 40}
EVERY = slices.EVERY.total_seconds()


def expired_windows(app: Flask, number: int, first: int = 0) -> None:
    """Insert rate-limit windows that are over."""
    with app.app_context(), db.engine.begin() as connection:
        over = services().clock.now() - timedelta(seconds=1)
        found = [{"key": f"k{first + n}", "calls": 1, "ends_at": over} for n in range(number)]
        connection.execute(insert(RateLimit), found)


def windows(app: Flask) -> int:
    return int(rows(app, "SELECT count(*) AS n FROM rate_limits")[0]["n"])


def run(app: Flask, process: slices.Slices | None = None) -> int:
    """Prune as the thread of a process does, until it has nothing to do; return how many batches."""
    process, batches = process or slices.Slices(), 0
    while True:
        with app.app_context():
            if not process.next_batch(services()):
                return batches
        batches += 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches of two rows and slices of three batches."""
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(slices, "MAX_BATCHES", 3)


@pytest.mark.usefixtures("small")
def test_slice_is_bounded_and_the_next_one_continues(app: Flask, clock: FixedClock) -> None:
    expired_windows(app, 13)
    run(app)
    assert windows(app) == 13 - 6
    run(app)
    assert windows(app) == 13 - 6  # the lease is not over
    clock.advance(EVERY)
    run(app)
    assert windows(app) == 1
    clock.advance(EVERY)
    run(app)
    assert windows(app) == 0


@pytest.mark.usefixtures("small")
def test_at_most_twenty_slices_run_in_an_hour_over_all_processes(app: Flask, clock: FixedClock) -> None:
    processes = [slices.Slices() for _ in range(3)]
    expired_windows(app, 200)
    for _ in range(60):
        for process in processes:
            run(app, process)
        clock.advance(60)
    assert 200 - windows(app) == 20 * 6


def test_slice_that_left_nothing_expired_is_followed_by_an_hour_of_rest(
    app: Flask, clock: FixedClock
) -> None:
    expired_windows(app, 2)
    run(app)
    assert windows(app) == 0
    expired_windows(app, 2)
    clock.advance(slices.IDLE.total_seconds() - 1)
    assert run(app) == 0
    clock.advance(1)
    assert run(app) > 0
    assert windows(app) == 0


def test_concurrent_processes_take_one_lease(app: Flask) -> None:
    def claim() -> bool:
        with app.app_context():
            now = services().clock.now()
            taken = leases.claim(services().tx(), slices.LEASE, now, now + slices.EVERY)
            services().tx().commit()
            return taken

    for _ in range(2):  # a new lease, and one that has ended
        assert sorted(at_once([claim] * 6)) == [False] * 5 + [True]
        execute(app, "UPDATE leases SET ends_at = claimed_at")


@pytest.mark.usefixtures("small")
def test_process_that_ends_during_a_slice_is_replaced_when_its_lease_ends(
    app: Flask, clock: FixedClock
) -> None:
    expired_windows(app, 4)
    killed = slices.Slices()
    with app.app_context():
        assert killed.next_batch(services())
    clock.advance(EVERY - 1)
    assert run(app) == 0
    clock.advance(1)
    run(app)
    assert windows(app) == 0


@pytest.mark.usefixtures("small")
def test_slice_ends_with_its_lease(app: Flask, clock: FixedClock) -> None:
    expired_windows(app, 20)
    slow = slices.Slices()
    with app.app_context():
        assert slow.next_batch(services())
    clock.advance(EVERY)
    assert run(app, slow) == 0
    assert windows(app) == 20


def test_clock_that_was_set_back_does_not_lengthen_the_lease(app: Flask, clock: FixedClock) -> None:
    run(app)
    clock.advance(-DAY)
    expired_windows(app, 1)
    assert run(app) > 0
    assert windows(app) == 0


def test_slice_erases_accounts_that_are_due(app: Flask, clock: FixedClock, threads: Threads) -> None:
    register(app.test_client())
    execute(app, "UPDATE users SET deletion_due_at = :now", now=str(clock.now()))
    before = len(events(app))
    run(app)
    assert rows(app, "SELECT id FROM users") == []
    assert events(app)[before:] == ["account_erased"]  # no event for each slice: these would only grow


# The thread


@pytest.fixture
def threads() -> Threads:
    """Return a function that lists the pruning threads that the test has started."""
    before = {*threading.enumerate()}
    return lambda: [each for each in threading.enumerate() if each.name == "pruning" and each not in before]


@pytest.fixture
def serving_app(database_uri: str) -> Iterator[Flask]:
    """Make an app as a serving process does."""
    app = create_app(settings=Settings.load(DevelopmentConfig, {"DATABASE_URI": database_uri}, SECRETS))
    yield app
    services_of(app).pruning.stop()
    services_of(app).delivery.stop()
    with app.app_context():
        db.engine.dispose()


def test_pruning_thread_begins_with_the_first_request_and_not_with_the_app(
    serving_app: Flask, threads: Threads
) -> None:
    assert threads() == []
    client = serving_app.test_client()
    for _ in range(3):
        assert client.get("/health/live").status_code == 200
        assert len(threads()) == 1


def test_pruning_thread_begins_in_the_forked_worker_and_not_before(
    serving_app: Flask, threads: Threads
) -> None:
    with serving_app.app_context():
        db.engine.dispose()
    reader, writer = os.pipe()
    if (worker := os.fork()) == 0:
        serving_app.test_client().get("/health/live")
        os.write(writer, str(len(threads())).encode())
        os._exit(0)
    os.waitpid(worker, 0)
    assert os.read(reader, 8) == b"1"
    assert threads() == []


def test_pruning_thread_deletes_expired_rows(serving_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_of(serving_app).pruning, "_poll", 0.01)
    expired_windows(serving_app, 1_001)
    serving_app.test_client().get("/health/live")
    until(lambda: windows(serving_app) == 0, "the rows to be deleted")


def test_testing_app_has_no_pruning_thread(app: Flask, threads: Threads) -> None:
    assert register(app.test_client()).status_code == 201
    assert threads() == []


def test_command_has_no_pruning_thread(serving_app: Flask, threads: Threads) -> None:
    settings = services_of(serving_app).settings

    @serving_app.cli.command("serve-a-call")
    def serve_a_call() -> None:
        app = create_app(settings=settings)
        app.test_client().get("/health/live")
        with app.app_context():
            db.engine.dispose()

    assert serving_app.test_cli_runner().invoke(args=["serve-a-call"]).exit_code == 0
    assert threads() == []


def test_failed_slice_is_logged_and_the_thread_goes_on(
    serving_app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services_of(serving_app).pruning, "_poll", 0.01)
    execute(serving_app, "ALTER TABLE leases RENAME TO hidden")
    try:
        serving_app.test_client().get("/health/live")
        until(lambda: "pruning interrupted" in caplog.messages, "it to notice")
    finally:
        execute(serving_app, "ALTER TABLE hidden RENAME TO leases")
    expired_windows(serving_app, 1)
    until(lambda: windows(serving_app) == 0, "the row to be deleted")


def test_log_says_how_many_rows_a_slice_deleted(
    make_app: AppFactory, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    app: Any = make_app(clock=clock)
    expired_windows(app, 3)
    run(app)
    clock.advance(DAY)
    run(app)
    told = [line.__dict__["count"] for line in caplog.records if line.getMessage() == "expired rows deleted"]
    assert told == [3]
