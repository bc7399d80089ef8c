"""Mail delivery of real processes that are stopped, killed and restarted during a delivery."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.conftest import AppFactory
from tests.support.sent_mail import letters, token_in
from tests.support.server import DEADLINE, ROOT, Server, environment, free_port, serving, until
from tests.support.service import PASSWORD, register
from tests.support.smtp_server import SmtpServer, smtp_serving
from utils.clock import SystemClock

pytestmark = pytest.mark.slow

KEY = "a key that every process of these tests has"
SAME = {"FLASK_SECRET_KEY": KEY, "JWT_SECRET_KEY": "j" * 40, "PASSWORD_HASH_METHOD": "scrypt:256:8:1"}


def sign_up(server: Server, name: str) -> None:
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert server.call("POST", "/auth/register", body)[0] == 201


def outbox(uri: str, change: str | None = None) -> list[tuple[Any, ...]]:
    """Return the recipient, attempts and sent state of every mail."""
    engine = create_engine(uri)
    with engine.begin() as connection:
        if change:
            connection.execute(text(change))
        found = connection.execute(
            text("SELECT recipient, attempts, sent_at IS NOT NULL FROM outbox ORDER BY id")
        )
        kept = [(name, attempts, bool(sent)) for name, attempts, sent in found]
    engine.dispose()
    return kept


def receivers(smtp: SmtpServer) -> list[str]:
    return [mail["To"] for mail in smtp.mails]


def living(server: Server) -> list[int]:
    found = []
    for pid in server.workers():
        with suppress(FileNotFoundError):  # it ended between two checks
            found += [pid] if ") Z " not in Path(f"/proc/{pid}/stat").read_text() else []
    return found


def test_stop_during_a_delivery_waits_for_it(database_uri: str, tmp_path: Path) -> None:
    with (
        smtp_serving(trouble={"body": "hold"}) as smtp,
        serving(database_uri, tmp_path, WEB_CONCURRENCY="2", MAIL_URL=smtp.url(), **SAME) as server,
    ):
        until(server.all_serve, "both workers to serve")
        sign_up(server, "ada")
        until(lambda: smtp.seen, "the mail to be on its way")
        server.process.terminate()
        until(lambda: len(living(server)) == 1, "the idle worker to end")
        assert outbox(database_uri) == [("ada@example.com", 1, False)]
        smtp.release.set()
        assert server.process.wait(DEADLINE) == 0
    assert receivers(smtp) == ["ada@example.com"]
    assert len(smtp.seen) == 1
    assert outbox(database_uri) == [("ada@example.com", 1, True)]


def kill(server: Server) -> None:
    """Kill all processes at once, as a power failure does."""
    workers = server.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    server.process.kill()
    server.process.wait()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the workers to be gone")


def test_mail_of_a_killed_process_is_resent_as_the_same_message(database_uri: str, tmp_path: Path) -> None:
    with smtp_serving(trouble={"body": "hold"}) as smtp:
        with serving(database_uri, tmp_path, MAIL_URL=smtp.url(), **SAME) as server:
            sign_up(server, "ada")
            until(lambda: smtp.seen, "the mail to be on its way")
            kill(server)
        smtp.trouble = {}
        smtp.release.set()
        assert outbox(database_uri) == [("ada@example.com", 1, False)]
        with serving(database_uri, tmp_path, MAIL_URL=smtp.url(), **SAME) as server:
            sign_up(server, "bob")
            until(lambda: smtp.mails, "the other mail")
            assert receivers(smtp) == ["bob@example.com"]  # the first one is still leased
            outbox(database_uri, "UPDATE outbox SET due_at = created_at")
            sign_up(server, "eve")
            until(lambda: len(smtp.mails) == 3, "all mails")
            server.stop()
    first, _, second, _ = smtp.seen
    assert first["Message-ID"] == second["Message-ID"]
    assert token_in(first) == token_in(second)
    assert [row[1:] for row in outbox(database_uri)] == [(2, True), (1, True), (1, True)]


def has_failed(uri: str) -> bool:
    """Return whether a failed attempt is recorded."""
    engine = create_engine(uri)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL")).scalar()
    engine.dispose()
    return bool(found)


def test_registration_works_and_mail_waits_during_a_mail_server_outage(
    database_uri: str, tmp_path: Path
) -> None:
    port = free_port()
    with serving(database_uri, tmp_path, MAIL_URL=f"smtp://127.0.0.1:{port}", **SAME) as server:
        sign_up(server, "ada")
        until(lambda: has_failed(database_uri), "a try that fails")
        assert outbox(database_uri) == [("ada@example.com", 1, False)]
        assert server.call("GET", "/health/ready")[0] == 200
        with smtp_serving(port=port) as smtp:
            outbox(database_uri, "UPDATE outbox SET due_at = created_at")  # a minute later
            sign_up(server, "bob")
            until(lambda: len(smtp.mails) == 2, "both mails")
            until(lambda: all(sent for _, _, sent in outbox(database_uri)), "both to be noted as sent")
        assert '"level": "error"' not in server.log.read_text()
    assert sorted(receivers(smtp)) == ["ada@example.com", "bob@example.com"]
    assert [row[1] for row in outbox(database_uri)] == [2, 1]


@pytest.mark.nightly
def test_waiting_mail_is_delivered_at_startup(
    make_app: AppFactory, database_uri: str, tmp_path: Path
) -> None:
    register(make_app({"FLASK_SECRET_KEY": KEY}, clock=SystemClock()).test_client())
    with serving(database_uri, tmp_path, MAIL_URL=f"file:{tmp_path}/mail", **SAME):
        until(lambda: letters(tmp_path) == ["verify_email"], "the mail that waited")


@contextmanager
def delivering(uri: str, mail_url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "auth", "deliver-mail", *options],
        cwd=ROOT,
        env=environment(uri, free_port(), MAIL_URL=mail_url, **SAME),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.nightly
def test_deliver_mail_command_delivers_due_mail_and_exits(
    make_app: AppFactory, database_uri: str, tmp_path: Path
) -> None:
    app = make_app({"FLASK_SECRET_KEY": KEY}, clock=SystemClock())
    for name in ("ada", "bob"):
        register(app.test_client(), name)
    with delivering(database_uri, f"file:{tmp_path}/mail") as process:
        said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "2 sent, 0 failed, 0 given up, 0 outdated"
    assert letters(tmp_path) == ["verify_email", "verify_email"]
    with delivering(database_uri, f"file:{tmp_path}/mail") as process:
        assert process.communicate(timeout=DEADLINE)[0] == "0 sent, 0 failed, 0 given up, 0 outdated\n"


def test_deliver_mail_watch_finishes_the_current_mail_on_stop(
    make_app: AppFactory, database_uri: str
) -> None:
    register(make_app({"FLASK_SECRET_KEY": KEY}, clock=SystemClock()).test_client())
    with (
        smtp_serving(trouble={"body": "hold"}) as smtp,
        delivering(database_uri, smtp.url(), "--watch") as process,
    ):
        until(lambda: smtp.seen or process.poll() is not None, "the mail to be on its way")
        process.terminate()
        assert process.poll() is None
        smtp.release.set()
        assert process.communicate(timeout=DEADLINE)[0] == "Stopped.\n"
        assert process.returncode == 0
    assert receivers(smtp) == ["ada@example.com"]
    assert outbox(database_uri) == [("ada@example.com", 1, True)]


@pytest.mark.nightly
def test_deliver_mail_watch_runs_until_interrupted(
    make_app: AppFactory, database_uri: str, tmp_path: Path
) -> None:
    client = make_app({"FLASK_SECRET_KEY": KEY}, clock=SystemClock()).test_client()
    register(client)
    with delivering(database_uri, f"file:{tmp_path}/mail", "--watch") as process:
        until(lambda: len(letters(tmp_path)) == 1, "the first mail")
        register(client, "bob")
        until(lambda: len(letters(tmp_path)) == 2, "the mail that was written meanwhile")
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
