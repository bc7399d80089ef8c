"""`flask auth doctor`: checks of a deployment, with advice for each problem."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from flask import Flask

from app import create_app
from auth.admin import transport
from auth.admin.doctor import fault_of_public_url
from auth.admin.finding import Finding, State, verdict
from config import Settings, config_by_name
from models import db
from tests.conftest import AppFactory
from tests.support.commands import auth
from tests.support.production import FINE
from tests.support.sent_mail import RefusingMailer
from tests.support.service import FixedClock, execute, register, rows, shut_down
from utils.clock import SystemClock
from utils.mail.delivery import Delivery
from utils.mail.mailers import FileMailer, MemoryMailer
from utils.passwords.hashing import PasswordHasher
from utils.serving.server import prepare


def findings(app: Flask, code: int) -> dict[str, dict[str, Any]]:
    """Run the doctor, assert its exit code, and return the worst finding of each check."""
    result = auth(app, "doctor", "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    states = [finding["state"] for finding in told["findings"]]
    counts = {"problems": states.count("problem"), "warnings": states.count("warning")}
    assert {name: told[name] for name in ("well", *counts)} == {"well": code == 0, **counts}
    order = ["ok", "warning", "problem"]
    found: dict[str, dict[str, Any]] = {}
    for finding in sorted(told["findings"], key=lambda one: order.index(one["state"])):
        found[finding["check"]] = finding
    assert all(f["advice"] for f in found.values() if f["state"] != "ok"), "says what to do"
    return found


def real_now() -> datetime:
    return SystemClock().now()


@pytest.fixture
def production(make_app: AppFactory, clock: FixedClock, database_uri: str) -> Iterator[AppFactory]:
    """Make apps with production settings on the test's database."""
    made = []
    no_delivery = Delivery(lambda: False, in_background=False)
    cheap = PasswordHasher("scrypt:256:8:1")
    quiet: dict[str, Any] = {"mailer": MemoryMailer(), "delivery": no_delivery, "hasher": cheap}

    def make(environ: dict[str, str] | None = None, **replaced: Any) -> Flask:
        given = FINE | {"DATABASE_URI": database_uri} | (environ or {})
        settings = Settings.load(config_by_name["production"], given)
        made.append(create_app(settings=settings, **(quiet | replaced)))
        return made[-1]

    yield make
    for app in made:
        shut_down(app)


@pytest.mark.both_databases
def test_healthy_production_has_no_problem(production: AppFactory) -> None:
    found = findings(production(), 3)
    assert set(found) >= {"settings", "database", "redis", "mail", "public address", "password hash"}
    assert set(found) >= {"clock", "outbox", "pruning"}
    assert found["public address"]["state"] == "warning"  # auth.example.com is nowhere
    assert "logins per second" in found["password hash"]["text"]
    spoken = auth(production(), "doctor").stdout
    assert re.search(r"^\d warnings\.$", spoken.splitlines()[-1])
    assert "All is well." not in spoken


@pytest.mark.parametrize(
    ("states", "code", "text"),
    [
        ([], 0, "All is well."),
        (["ok", "ok"], 0, "All is well."),
        (["ok", "warning"], 3, "1 warning."),
        (["warning", "warning"], 3, "2 warnings."),
        (["problem", "ok"], 1, "1 problem."),
        (["warning", "problem", "problem"], 1, "2 problems, 1 warning."),
    ],
)
def test_all_is_well_is_said_without_problems_and_warnings_only(
    states: list[State], code: int, text: str
) -> None:
    result = verdict([Finding("a check", state, "a text") for state in states])
    assert (result.exit_code, result.text) == (code, text)


@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (401, {"WWW-Authenticate": "Bearer"}, None),
        (401, {"WWW-Authenticate": "Basic"}, "status 401"),
        (401, {}, "status 401"),
        (404, {"WWW-Authenticate": "Bearer"}, "status 404"),
        (200, {}, "status 200"),
        (302, {"Location": "/login"}, "status 200"),
    ],
)
def test_only_the_service_itself_counts_at_the_public_address(
    status: int, headers: dict[str, str], fault: str | None
) -> None:
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_first = self.path == "/auth/me"
            self.send_response(status if is_first else 200)
            for name, value in headers.items() if is_first else ():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert fault_of_public_url(f"http://127.0.0.1:{server.server_port}") == fault
        server.shutdown()
    assert asked[0] == "/auth/me"
    assert fault_of_public_url("http://127.0.0.1:1") == "ConnectionRefusedError"


def test_unusable_mailer_is_a_problem(production: AppFactory, tmp_path: Any) -> None:
    assert findings(production(mailer=RefusingMailer()), 1)["mail"]["state"] == "problem"
    assert findings(production(mailer=FileMailer(tmp_path / "mail")), 1)["mail"]["state"] == "problem"


@pytest.mark.parametrize(
    ("environ", "is_idle"),
    [
        ({"PROOF_OF_WORK": "true"}, True),
        ({"CHALLENGE_URL": "https://challenges.example/", "CHALLENGE_SECRET": "of the provider"}, True),
        ({"PROOF_OF_WORK": "true", "UNPROVEN_MAIL_CEILING": "9"}, False),
        ({"PROOF_OF_WORK": "true", "REGISTRATION_CEILING": "9"}, False),
        ({"PROOF_OF_WORK": "true", "REGISTRATION_CEILING": "9", "RATE_LIMIT_ENABLED": "false"}, True),
        ({}, False),
    ],
)
def test_challenge_that_no_ceiling_asks_for_is_a_warning(
    production: AppFactory, capsys: pytest.CaptureFixture[str], environ: dict[str, str], is_idle: bool
) -> None:
    app = production(environ)
    assert ("no ceiling asks for it" in auth(app, "doctor").stdout) == is_idle
    prepare(app, db, "127.0.0.1")
    assert ("no ceiling asks for it" in capsys.readouterr().err) == is_idle


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"VERIFY_COOKIE": "example.com"}, "send no person to the login"),
        (
            {"RETURN_ORIGINS": "https://app.example.com", "PAGES_ENABLED": "false"},
            "login page that leads there",
        ),
        ({"RETURN_ORIGINS": "https://app.example.com", "VERIFY_COOKIE": "example.com"}, ""),
    ],
)
def test_return_settings_that_lead_nowhere_are_reported(
    production: AppFactory, environ: dict[str, str], said: str
) -> None:
    told = auth(production(environ), "doctor").stdout
    assert said in told
    assert ("RETURN_ORIGINS" in told) == bool(said)


def test_unreachable_redis_is_a_problem(production: AppFactory) -> None:
    found = findings(production({"REDIS_URL": "redis://127.0.0.1:1/0"}), 1)
    assert found["redis"]["state"] == "problem"
    assert "127.0.0.1:1" not in str(found)  # it may hold a password


def test_old_schema_and_unreachable_database_are_problems(production: AppFactory) -> None:
    app = production()
    (newest,) = rows(app, "SELECT version_num FROM alembic_version")
    execute(app, "UPDATE alembic_version SET version_num = '0001'")
    try:
        assert "db upgrade" in findings(app, 1)["database"]["advice"]
    finally:
        execute(app, "UPDATE alembic_version SET version_num = :version_num", **newest)
    away = production({"DATABASE_URI": "postgresql://auth:canary@127.0.0.1:1/auth"})
    found = findings(away, 1)
    assert found["database"]["state"] == "problem"
    assert "canary" not in str(found)
    assert "outbox" not in found


@pytest.mark.both_databases
def test_clock_skew_to_postgres_is_a_problem(production: AppFactory) -> None:
    clock = FixedClock(real_now())
    app = production(clock=clock)
    assert findings(app, 3)["clock"]["state"] == "ok"
    clock.advance(60)
    is_postgres = app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgres")
    assert findings(app, 1 if is_postgres else 3)["clock"]["state"] == ("problem" if is_postgres else "ok")


def test_mail_backlog_is_a_problem_and_given_up_mail_a_warning(production: AppFactory) -> None:
    app = production({"RATE_LIMIT_ENABLED": "true"}, clock=(clock := FixedClock(real_now())))
    register(app.test_client())
    assert findings(app, 3)["outbox"]["state"] == "ok"
    execute(app, "UPDATE outbox SET created_at = :past", past=START_OF_2026)
    assert findings(app, 1)["outbox"]["state"] == "problem"
    execute(app, "UPDATE outbox SET given_up_at = :n, last_error = 'x'", n=clock.now())
    clock.moment = real_now()  # a slow machine takes long
    assert findings(app, 3)["outbox"]["state"] == "warning"


START_OF_2026 = "2026-01-01 00:00:00+00:00"


def test_missing_prune_is_a_problem_and_doctor_deletes_nothing(production: AppFactory) -> None:
    app = production()
    register(app.test_client())
    execute(app, "UPDATE audit_events SET at = :past", past="2020-01-01 00:00:00+00:00")
    found = findings(app, 1)["pruning"]
    assert "audit_events" in found["text"]
    assert len(rows(app, "SELECT id FROM audit_events")) == 1
    auth(app, "prune")
    assert findings(app, 3)["pruning"]["state"] == "ok"


HOST = "postgresql://auth@db.example.com/auth"


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({"DATABASE_URI": HOST}, ["Postgres"]),
        ({"DATABASE_URI": f"{HOST}?sslmode=require"}, ["Postgres"]),
        ({"DATABASE_URI": f"{HOST}?sslmode=verify-full"}, []),
        (
            {"DATABASE_URI": "postgresql://auth@/a?host=a:1&host=b:2&target_session_attrs=read-write"},
            ["Postgres"],
        ),
        ({"DATABASE_URI": "postgresql://auth@/auth?host=/run/postgresql"}, []),
        ({"DATABASE_URI": "postgresql://auth@localhost/auth"}, []),
        ({"REDIS_URL": "redis://redis.example.com"}, ["Redis"]),
        ({"REDIS_URL": "rediss://redis.example.com"}, []),
        ({"REDIS_URL": "redis://127.0.0.1"}, []),
        ({"REDIS_URL": "unix:///run/redis.sock"}, []),
        ({"DATABASE_URI": HOST, "REDIS_URL": "redis://redis.example.com"}, ["Postgres", "Redis"]),
        ({}, []),
    ],
)
def test_unencrypted_connection_to_another_machine_is_a_warning(
    environ: dict[str, str], warned: list[str]
) -> None:
    given = FINE | {"DATABASE_URI": "sqlite:///auth.db"} | environ
    settings = Settings.load(config_by_name["production"], given)
    found = [*transport.examine(settings)]
    assert [each.text.partition(" ")[0] for each in found if each.state == "warning"] == warned
    assert all(each.state == "ok" for each in found) == (not warned)
    development = Settings.load(config_by_name["testing"], environ)
    assert [*transport.examine(development)] == []
