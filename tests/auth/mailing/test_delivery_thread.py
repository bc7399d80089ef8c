"""The mail delivery thread: start, wake-up, errors and shutdown."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from app import create_app
from models import db
from tests.conftest import AppFactory
from tests.support.sent_mail import letters, services_of
from tests.support.server import until
from tests.support.service import checked_out, execute, register, rows
from utils.mail.delivery import Delivery
from utils.mail.mailers import FileMailer

NEVER = 3600.0  # seconds between two polls: nothing in a test is the effect of a poll


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mail-delivery"]


@pytest.fixture
def made() -> Iterator[Callable[..., Delivery]]:
    """Make deliveries, and stop them at the end of the test."""
    deliveries: list[Delivery] = []

    def make(deliver_next: Callable[[], bool], **options: Any) -> Delivery:
        deliveries.append(Delivery(deliver_next, **{"in_background": True, "poll": NEVER} | options))
        return deliveries[-1]

    yield make
    for delivery in deliveries:
        delivery.stop()
    until(lambda: not threads(), "the threads to end")


def test_delivery_thread_starts_with_the_first_committed_mail(serving_app: Flask, tmp_path: Path) -> None:
    client = serving_app.test_client()
    assert client.get("/health/ready").status_code == 200
    client.post("/auth/login", json={"username": "unknown", "password": "wrong password"})
    assert threads() == []
    assert register(client).status_code == 201
    assert len(threads()) == 1
    until(lambda: letters(tmp_path) == ["verify_email"], "the mail to be written")
    register(client, "bob")
    until(lambda: len(letters(tmp_path)) == 2, "the second mail to be written")
    assert len(threads()) == 1


@pytest.mark.provokes_errors
def test_rolled_back_mail_starts_no_delivery_thread(
    serving_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("auth.stores.audit.append", fail)
    assert register(serving_app.test_client()).status_code == 500
    assert threads() == []


def test_testing_app_has_no_delivery_thread(app: Flask) -> None:
    assert register(app.test_client()).status_code == 201
    assert threads() == []
    assert rows(app, "SELECT sent_at FROM outbox") == [{"sent_at": None}]


def test_cli_command_has_no_delivery_thread(serving_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(Delivery, "start", lambda _: begun.append("a thread"))
    register(serving_app.test_client())
    assert begun == ["a thread"]
    settings = services_of(serving_app).settings

    @serving_app.cli.command("write-a-mail")
    def write_a_mail() -> None:
        app = create_app(settings=settings)
        register(app.test_client(), "bob")
        with app.app_context():
            db.engine.dispose()

    assert serving_app.test_cli_runner().invoke(args=["write-a-mail"]).exit_code == 0
    assert begun == ["a thread"]
    assert len(rows(serving_app, "SELECT id FROM outbox WHERE sent_at IS NULL")) == 2


def test_wake_delivers_until_nothing_is_due(made: Callable[..., Delivery]) -> None:
    due, done = [3], Event()

    def deliver_next() -> bool:
        due[0] -= 1
        if due[0] <= 0:
            done.set()
        return due[0] > 0

    delivery = made(deliver_next)
    for _ in range(3):
        done.clear()
        due[0] = 3
        delivery.wake()
        assert done.wait(30), "it was not woken"


def test_delivery_thread_polls_without_being_woken(made: Callable[..., Delivery]) -> None:
    looks: list[int] = []

    def deliver_next() -> bool:
        looks.append(1)
        return False

    made(deliver_next, poll=0.01).start()
    until(lambda: len(looks) >= 5, "it to look again")


def test_concurrent_wakes_start_one_delivery_thread(made: Callable[..., Delivery]) -> None:
    delivery = made(lambda: False)
    callers = [threading.Thread(target=delivery.wake) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(threads()) == 1


def test_wake_without_background_delivery_starts_no_thread(made: Callable[..., Delivery]) -> None:
    made(lambda: False, in_background=False).wake()
    assert threads() == []


def test_delivery_thread_survives_a_database_outage(
    made: Callable[..., Delivery], caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []

    def deliver_next() -> bool:
        looks.append(1)
        if len(looks) < 3:
            raise OperationalError("canary", {}, Exception("canary"))
        return False

    made(deliver_next, poll=0.01).start()
    until(lambda: len(looks) >= 4, "it to go on")
    said = [(line.getMessage(), line.__dict__["error"]) for line in caplog.records]
    assert said == [("delivery interrupted", "OperationalError")] * 2
    assert "canary" not in str([line.__dict__ for line in caplog.records])


def test_mail_is_delivered_after_a_database_outage(
    serving_app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = services_of(serving_app).delivery
    delivery._poll = 0.05
    execute(serving_app, "ALTER TABLE outbox RENAME TO hidden")
    try:
        delivery.wake()
        until(lambda: "delivery interrupted" in caplog.messages, "it to notice")
        assert len(threads()) == 1
    finally:
        execute(serving_app, "ALTER TABLE hidden RENAME TO outbox")
    register(serving_app.test_client())
    until(lambda: letters(tmp_path) == ["verify_email"], "the mail to go")


def test_stop_finishes_the_current_delivery_and_starts_no_other(made: Callable[..., Delivery]) -> None:
    begun, may_end, ended = Event(), Event(), []

    def deliver_next() -> bool:
        begun.set()
        may_end.wait(30)
        ended.append(1)
        return True  # there would be more

    delivery = made(deliver_next)
    delivery.wake()
    assert begun.wait(30)
    stopping = threading.Thread(target=delivery.stop)
    stopping.start()
    until(delivery._stopped.is_set, "it to be told")
    assert stopping.is_alive()
    assert ended == []
    may_end.set()
    stopping.join(30)
    assert ended == [1]
    assert threads() == []
    delivery.wake()
    assert threads() == []


def test_slow_mailer_holds_no_database_connection_or_request(
    make_serving_app: AppFactory, tmp_path: Path
) -> None:
    begun, may_end = Event(), Event()

    class Slow(FileMailer):
        def send(self, _message: object) -> None:
            begun.set()
            may_end.wait(30)

    app = make_serving_app(mailer=Slow(tmp_path))
    assert register(app.test_client()).status_code == 201
    assert begun.wait(30)
    assert checked_out(app) == 0
    assert register(app.test_client(), "bob").status_code == 201
    may_end.set()
    until(lambda: len(rows(app, "SELECT id FROM outbox WHERE sent_at IS NOT NULL")) == 2, "both mails to go")
