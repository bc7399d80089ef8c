"""Pruning by serving processes: slices, their lease, and the thread that begins with the first request."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from app import create_app
from auth.admin import account_expiry, pruning, slices
from auth.revocation import revoke
from auth.stores import account_expiry as expiring
from auth.stores import leases, sessions
from models import RateLimit, db
from tests.conftest import AppFactory
from tests.support.requests import DAY, prune, run_slice
from tests.support.sent_mail import services_of
from tests.support.server import until
from tests.support.service import FixedClock, at_once, events, execute, register, rows
from utils.services import services

pytestmark = pytest.mark.both_databases(slow=True)
Threads = Callable[[], list[threading.Thread]]
EVERY = slices.EVERY.total_seconds()


def expired_windows(app: Flask, number: int, first: int = 0) -> None:
    """Insert rate-limit windows that are over."""
    with app.app_context(), db.engine.begin() as connection:
        over = services().clock.now() - timedelta(seconds=1)
        found = [{"key": f"k{first + n}", "calls": 1, "ends_at": over} for n in range(number)]
        connection.execute(insert(RateLimit), found)


def windows(app: Flask) -> int:
    return int(rows(app, "SELECT count(*) AS n FROM rate_limits")[0]["n"])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches of two rows and slices of three batches."""
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(slices, "MAX_BATCHES", 3)


@pytest.mark.usefixtures("small")
def test_slice_is_bounded_and_the_next_one_continues(app: Flask, clock: FixedClock) -> None:
    expired_windows(app, 13)
    run_slice(app)
    assert windows(app) == 13 - 6
    run_slice(app)
    assert windows(app) == 13 - 6  # the lease is not over
    clock.advance(EVERY)
    run_slice(app)
    assert windows(app) == 1
    clock.advance(EVERY)
    run_slice(app)
    assert windows(app) == 0


@pytest.mark.usefixtures("small")
def test_at_most_twenty_slices_run_in_an_hour_over_all_processes(app: Flask, clock: FixedClock) -> None:
    processes = [slices.Slices() for _ in range(3)]
    expired_windows(app, 200)
    for _ in range(60):
        for process in processes:
            run_slice(app, process)
        clock.advance(60)
    assert 200 - windows(app) == 20 * 6


def test_slice_that_left_nothing_expired_is_followed_by_an_hour_of_rest(
    app: Flask, clock: FixedClock
) -> None:
    expired_windows(app, 2)
    run_slice(app)
    assert windows(app) == 0
    expired_windows(app, 2)
    clock.advance(slices.IDLE.total_seconds() - 1)
    assert run_slice(app) == 0
    clock.advance(1)
    assert run_slice(app) > 0
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
    assert run_slice(app) == 0
    clock.advance(1)
    run_slice(app)
    assert windows(app) == 0


@pytest.mark.usefixtures("small")
def test_slice_ends_with_its_lease(app: Flask, clock: FixedClock) -> None:
    expired_windows(app, 20)
    slow = slices.Slices()
    with app.app_context():
        assert slow.next_batch(services())
    clock.advance(EVERY)
    assert run_slice(app, slow) == 0
    assert windows(app) == 20


def test_clock_that_was_set_back_does_not_lengthen_the_lease(app: Flask, clock: FixedClock) -> None:
    run_slice(app)
    clock.advance(-DAY)
    expired_windows(app, 1)
    assert run_slice(app) > 0
    assert windows(app) == 0


def failing(*_: object, **__: object) -> int:
    raise ValueError("canary")


def warnings(caplog: pytest.LogCaptureFixture) -> list[tuple[str, Any, Any]]:
    """Return what was logged as a warning: event, table or account, and error."""
    found = [line for line in caplog.records if line.levelname == "WARNING"]
    facts = [line.__dict__ for line in found]
    return [(each["msg"], each.get("table", each.get("user_id")), each["error"]) for each in facts]


def test_table_that_fails_does_not_keep_the_others_from_pruning(
    app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again with the next slice, and not after an hour of rest."""
    with monkeypatch.context() as faulty:
        faulty.setattr(sessions, "prune", failing)
        for first in (0, 10):
            expired_windows(app, 3, first)
            run_slice(app)
            assert windows(app) == 0
            clock.advance(EVERY)
    assert warnings(caplog) == [("table not pruned", "sessions", "ValueError")] * 2
    assert run_slice(app) > 0


def test_account_that_cannot_be_erased_does_not_keep_the_others_from_erasure(
    app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ada", "grace", "joan"):
        register(app.test_client(), name)
    execute(app, "UPDATE users SET deletion_due_at = :now", now=str(clock.now()))
    erase = revoke.erase

    def refuse_one(services: Any, tx: Any, user_id: int, *rest: Any) -> None:
        erase(services, tx, user_id, *rest)
        if user_id == 1:
            raise ValueError("canary")

    with monkeypatch.context() as faulty:
        faulty.setattr(revoke, "erase", refuse_one)
        run_slice(app)
        assert [row["username"] for row in rows(app, "SELECT username FROM users")] == ["ada"]
        assert prune(app)["users"] == 0
    assert warnings(caplog) == [("account not pruned", 1, "ValueError")] * 2
    assert prune(app)["users"] == 1


def test_account_that_is_restored_meanwhile_does_not_end_its_table(
    app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch is followed by another one, also if not all of it was erased."""
    for name in ("ada", "grace", "joan"):
        register(app.test_client(), name)
    execute(app, "UPDATE users SET deletion_due_at = :now", now=str(clock.now()))
    monkeypatch.setattr(account_expiry, "BATCH", 2)
    lock, restored = expiring.lock_if_due, list[int]()

    def restore_first(tx: Any, user_id: int, expiry: Any) -> bool:
        if not restored:
            restored.append(user_id)
            execute(app, "UPDATE users SET deletion_due_at = NULL WHERE id = :id", id=user_id)
        return lock(tx, user_id, expiry)

    monkeypatch.setattr(expiring, "lock_if_due", restore_first)
    run_slice(app)
    assert [row["id"] for row in rows(app, "SELECT id FROM users")] == restored


def test_slice_erases_accounts_that_are_due(app: Flask, clock: FixedClock, threads: Threads) -> None:
    register(app.test_client())
    execute(app, "UPDATE users SET deletion_due_at = :now", now=str(clock.now()))
    before = len(events(app))
    run_slice(app)
    assert rows(app, "SELECT id FROM users") == []
    assert events(app)[before:] == ["account_erased"]  # no event for each slice: these would only grow


# The thread


@pytest.fixture
def threads() -> Threads:
    """Return a function that lists the pruning threads that the test has started."""
    before = {*threading.enumerate()}
    return lambda: [each for each in threading.enumerate() if each.name == "pruning" and each not in before]


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
    run_slice(app)
    clock.advance(DAY)
    run_slice(app)
    told = [line.__dict__["count"] for line in caplog.records if line.getMessage() == "expired rows deleted"]
    assert told == [3]
