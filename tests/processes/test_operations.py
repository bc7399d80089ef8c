"""deploy/ and the operator guide with real programs: Postgres roles and backups, a proxy, alerts."""

import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from app import create_app
from config import Settings, TestingConfig
from tests.support.haproxy import program, proxying
from tests.support.postgres_server import postgres_program
from tests.support.server import ROOT, serving, until
from tests.support.service import me, refresh, rows, shut_down, signed_in
from utils.database.migrations import upgrade

DEPLOY = ROOT / "deploy"


class Roles:
    """The roles and database of deploy/postgres/roles.sql, under unique names."""

    def __init__(self, server: str, folder: Path) -> None:
        self.server, self.mark = make_url(server), uuid4().hex[:12]
        sql = (DEPLOY / "postgres" / "roles.sql").read_text("utf-8")
        sql = re.sub(r"\bauth_(owner|app)\b", rf"\1_{self.mark}", sql)
        sql = re.sub(r"(DATABASE|\\connect) auth\b", rf"\1 auth_{self.mark}", sql)
        self.file = folder / "roles.sql"
        self.file.write_text(sql)

    def url(self, role: str, database: str = "") -> URL:
        name = f"{role}_{self.mark}"
        return self.server.set(username=name, password=f"{role}'s", database=database or f"auth_{self.mark}")

    def run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [postgres_program(name), *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def plain(url: URL) -> str:
    """Return the URL for Postgres's own programs."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def roles(postgres_server: str, tmp_path: Path) -> Iterator[Roles]:
    made = Roles(postgres_server, tmp_path)
    passwords = [f"--set={role}_password={role}'s" for role in ("owner", "app")]
    made.run("psql", "--set=ON_ERROR_STOP=1", *passwords, f"--file={made.file}", plain(made.server))
    yield made
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in (f"auth_{made.mark}", f"copy_{made.mark}"):
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        for role in ("app", "owner"):
            connection.execute(text(f'DROP ROLE "{role}_{made.mark}"'))
    admin.dispose()


def migrated_by_owner(roles: Roles) -> None:
    engine = create_engine(roles.url("owner"))
    upgrade(engine)
    engine.dispose()


def app_on(url: URL) -> Flask:
    uri = url.render_as_string(hide_password=False)
    return create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": uri, "RATE_LIMIT_ENABLED": "1"}))


def test_app_role_can_serve_and_cannot_change_the_schema(roles: Roles) -> None:
    migrated_by_owner(roles)
    app = app_on(roles.url("app"))
    client = app.test_client()
    assert client.get("/health/ready").status_code == 200
    pair = signed_in(client)
    assert refresh(client, pair["refresh_token"]).status_code == 200
    assert client.post("/auth/logout", json={"refresh_token": pair["refresh_token"]}).status_code == 204
    assert me(client, pair["access_token"]).status_code == 401
    for command in ("prune", "disable", "enable"):
        arguments = ["auth", command, *([] if command == "prune" else ["ada"])]
        assert app.test_cli_runner().invoke(args=arguments).exit_code == 0
    engine = create_engine(roles.url("app"))
    with engine.connect() as connection:
        for right in ("CONNECT", "TEMPORARY"):
            anybody = "SELECT has_database_privilege('public', current_database(), :right)"
            assert connection.execute(text(anybody), {"right": right}).scalar() is False
    for statement in (
        "CREATE TABLE own (id int)",
        "DROP TABLE users",
        "ALTER TABLE users ADD own int",
        "TRUNCATE users",
    ):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match=r"denied|must be owner"):
            connection.execute(text(statement))
    engine.dispose()
    shut_down(app)


def test_migration_as_the_app_role_is_refused_with_advice(roles: Roles) -> None:
    made: list[Flask] = []

    def make() -> Flask:  # created within the command, where the migrations register
        made.append(app_on(roles.url("app")))
        return made[-1]

    refused = CliRunner().invoke(FlaskGroup(create_app=make), ["db", "upgrade"])
    for app in made:
        shut_down(app)
    assert refused.exit_code == 1
    told = "The role of DATABASE_URI may not change the schema. Migrate as the owner role."
    assert str(refused.exception) == told


def test_restored_backup_has_accounts_and_sessions(roles: Roles, tmp_path: Path) -> None:
    migrated_by_owner(roles)
    app = app_on(roles.url("app"))
    pair = signed_in(app.test_client())
    dump = str(tmp_path / "auth.dump")
    roles.run("pg_dump", "--format=custom", f"--file={dump}", plain(roles.url("owner")))
    later = refresh(app.test_client(), pair["refresh_token"]).get_json()["refresh_token"]
    later = refresh(app.test_client(), later).get_json()["refresh_token"]
    shut_down(app)

    copy = f"copy_{roles.mark}"
    roles.run("psql", "--command", f"CREATE DATABASE {copy} OWNER owner_{roles.mark}", plain(roles.server))
    target = plain(roles.server.set(database=copy))
    own = f"--role=owner_{roles.mark}"
    roles.run("pg_restore", "--exit-on-error", "--no-owner", own, f"--dbname={target}", dump)
    restored = app_on(roles.url("app", copy))
    client = restored.test_client()
    assert client.get("/health/ready").status_code == 200
    assert me(client, pair["access_token"]).status_code == 200
    refused = refresh(client, later)  # issued after the backup: unknown, but not reuse
    assert refused.get_json()["code"] == "refresh_token_invalid"
    assert refresh(client, pair["refresh_token"]).status_code == 200
    assert signed_in(client, "bob")["user"]["id"] == 2
    assert {row["event"] for row in rows(restored, "SELECT event FROM audit_events")} >= {"signed_in"}
    shut_down(restored)


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect."""


def status(
    url: str, certificate: Path, headers: dict[str, str] | None = None, body: bytes | None = None
) -> int:
    context = ssl.create_default_context(cafile=str(certificate))
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay)
    try:
        with opener.open(urllib.request.Request(url, body, headers or {}), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
    except OSError:
        return 0


def answer_to_half_a_body(port: int, certificate: Path) -> bytes:
    """Send part of a body and return the response."""
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection(("localhost", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        head = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + b'Content-Length: 100\r\n\r\n{"')
        return connection.recv(1024)


@pytest.mark.slow
def test_proxy_terminates_tls_and_survives_the_loss_of_one_app(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    uri = f"sqlite:///{tmp_path}/auth.db"
    more = {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "Clientaddress"}
    with (
        serving(uri, tmp_path, **more) as one,
        serving(uri, tmp_path, **more) as two,
        proxying(tmp_path, one, two, request_timeout="1s") as proxy,
    ):
        certificate, plain_port, tls_port = proxy.certificate, proxy.plain_port, proxy.tls_port
        url = f"https://localhost:{tls_port}"
        until(lambda: status(f"{url}/auth/me", certificate) == 401, "the proxy to answer")
        # A page redirects to TLS; an API call has already exposed its secrets and is refused.
        assert status(f"http://localhost:{plain_port}/docs", certificate) == 308
        for path in ("/auth/me", "//auth/me", "/%61uth/me", "/auth%2fme"):
            assert status(f"http://localhost:{plain_port}{path}", certificate) == 403
        for name in ("metrics", "health/live", "health/ready"):
            for path in (
                f"/{name}",
                f"/{name}/",
                f"//{name}",
                f"/{name}?x",
                f"/%{ord(name[0]):x}{name[1:]}",
            ):
                assert status(url + path, certificate) == 404, path
        for header in ("X-Forwarded-For", "X_Forwarded_For"):
            assert status(f"{url}/auth/me", certificate, {header: "203.0.113.9"}) == 401
            sent = {header: "203.0.113.9", "Content-Type": "application/json"}
            assert status(f"{url}/auth/logout", certificate, sent, body=b"{}") == 204
        logs = one.log.read_text() + two.log.read_text()
        assert '"ip_address": "127.0.0.1"' in logs
        assert "203.0.113.9" not in logs
        assert answer_to_half_a_body(tls_port, certificate).startswith(b"HTTP/1.1 408 ")
        logs = one.log.read_text() + two.log.read_text()
        assert '"route": "/auth/login"' not in logs  # the request reached no app
        one.stop()
        until(lambda: status(f"{url}/auth/me", certificate) == 401, "the other app to answer")
        assert {status(f"{url}/auth/me", certificate) for _ in range(20)} <= {401}


# Alert -> the series, and its increase a minute, that must raise it.
ALERT_CASES = {
    "AuthCredentialStuffing": ('auth_sign_ins_total{outcome="wrong_password"}', 70),
    "AuthUnknownNames": ('auth_sign_ins_total{outcome="unknown"}', 40),
    "AuthLimitsHit": ('auth_limits_hit_total{policy="login"}', 70),
    "AuthMailsFail": ('auth_mails_total{outcome="failed"}', 1),
    "AuthHashesRefused": ("auth_hashes_refused_total", 1),
    "AuthServerErrors": ('auth_request_seconds_count{route="/auth/me",status="500"}', 10),
    "AuthNotReady": ('auth_request_seconds_count{route="/health/ready",status="503"}', 10),
}

NO_FAILED_LOGINS = [
    f'auth_sign_ins_total{{outcome="{outcome}"}}' for outcome in ("success", "second_factor_asked")
]


@pytest.mark.slow
def test_alerts_fire_at_their_rates_and_not_at_zero(tmp_path: Path) -> None:
    promtool = program("promtool")
    alert_cases = []
    cases = [(alert, *case, True) for alert, case in ALERT_CASES.items()]
    cases += [(alert, series, 0, False) for alert, (series, _) in ALERT_CASES.items()]
    cases += [("AuthCredentialStuffing", series, 70, False) for series in NO_FAILED_LOGINS]
    for alert, series, size, fires in cases:
        values = [{"series": series, "values": f"0+{size}x20"}]
        calm = 'auth_request_seconds_count{route="/auth/me",status="200"}'
        values.append({"series": calm, "values": "0+100x20"})
        query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
        expected = [
            {"expr": query, "eval_time": "15m", "exp_samples": [{"labels": "{}", "value": int(fires)}]}
        ]
        alert_cases.append({"interval": "1m", "input_series": values, "promql_expr_test": expected})
    rules = {"rule_files": [str(DEPLOY / "prometheus" / "alerts.yaml")], "evaluation_interval": "1m"}
    (tmp_path / "alert_cases.yaml").write_text(yaml.safe_dump({**rules, "tests": alert_cases}))
    done = subprocess.run(
        [promtool, "test", "rules", "alert_cases.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
