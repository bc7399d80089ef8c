"""Attacks that succeeded on the running service once, as regression tests."""

import sqlite3
import stat
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from config import ConfigurationError, Settings, TestingConfig
from tests.conftest import AppFactory
from tests.support.production import FINE, faults
from tests.support.service import (
    PASSWORD,
    at_once,
    bearer,
    execute,
    login,
    me,
    register,
    rows,
    signed_in,
    wait_for_no_lock,
)


@pytest.mark.parametrize("name", ["JWT_PREVIOUS_SECRET_KEYS", "FLASK_PREVIOUS_SECRET_KEYS"])
def test_sample_secret_among_previous_keys_is_refused(name: str) -> None:
    assert faults(**{name: "your-256-bit-secret-your-256-bit-secret"}) == [f"{name} holds a sample value."]


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///file:x?uri=true&mode=Memory",
        "sqlite:///file:x?vfs=memdb&uri=true",
        "sqlite://",
        "sqlite:///?timeout=5",
    ],
)
def test_in_memory_database_is_refused_in_production(uri: str) -> None:
    assert "in-memory" in " ".join(faults(DATABASE_URI=uri))


def test_malformed_database_url_is_refused_and_not_echoed() -> None:
    (fault,) = faults(DATABASE_URI="postgresql://u:p@ssCANARY:word9@h/db")
    assert fault.startswith("DATABASE_URI must be a URL")
    assert "CANARY" not in fault
    assert "word9" not in fault


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://auth.example.com:443", "https://auth.example.com"),
        ("https://Auth.Example.com/", "https://auth.example.com"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_public_url_is_normalised_as_an_origin(given: str, kept: str) -> None:
    assert Settings.load(TestingConfig, {"PUBLIC_URL": given}).public_url == kept


@pytest.mark.parametrize("given", ["https://*", "https://exa mple.com", "https://a_b.example", "https://"])
def test_a_public_url_without_a_host_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError):
        Settings.load(TestingConfig, {"PUBLIC_URL": given})


def test_secret_reused_with_a_line_break_is_refused() -> None:
    assert "same value" in " ".join(faults(JWT_SECRET_KEY=FINE["FLASK_SECRET_KEY"] + "\n"))


@pytest.mark.parametrize("header", [None, "", "rubbish", "\xff, rubbish"])
def test_missing_forwarded_for_does_not_record_the_proxy_address(
    make_app: AppFactory, header: str | None
) -> None:
    app = make_app({"TRUSTED_PROXIES": "1"})
    client = app.test_client()
    register(client)
    headers = {} if header is None else {"X-Forwarded-For": header}
    assert login(client, headers=headers).status_code == 200
    assert rows(app, "SELECT ip_address FROM sessions") == [{"ip_address": None}]


def _chunked(client: FlaskClient, body: bytes, **environ: object) -> int:
    """Post a body without a length, as a server passes on a chunked one."""
    answer = client.post(
        "/auth/login",
        input_stream=BytesIO(body),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, **environ},
    )
    return answer.status_code


def test_chunked_body_is_measured_and_not_truncated(client: FlaskClient) -> None:
    register(client)
    body = f'{{"username": "ada", "password": "{PASSWORD}"}}'.encode()
    assert _chunked(client, body) == 200
    assert _chunked(client, body.ljust(64 * 1024)) == 200
    assert _chunked(client, body.ljust(64 * 1024) + b"}}}") == 413
    assert _chunked(client, body.ljust(300_000)) == 413


def test_truncated_body_is_refused(client: FlaskClient) -> None:
    register(client)
    body = f'{{"username": "ada", "password": "{PASSWORD}"}}'.encode()
    assert _chunked(client, body, CONTENT_LENGTH=str(len(body) + 100)) == 400


def test_double_slash_does_not_redirect_to_the_request_host(client: FlaskClient) -> None:
    answer = client.post("/auth//login", headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "not_found"
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("name", [".", "..", "-", "\u0301", "\u0301a", "a" + "\u0316" * 79, "_._"])
def test_username_without_a_letter_or_with_many_marks_is_refused(client: FlaskClient, name: str) -> None:
    assert register(client, name, email="x@example.com").status_code == 400


def test_concurrent_revoke_others_leaves_one_session(app: Flask) -> None:
    tokens = [signed_in(app.test_client())["access_token"] for _ in range(6)]

    def end_others(token: str) -> int:
        path = "/auth/sessions/revoke-others"
        return app.test_client().post(path, headers=bearer(token)).status_code

    statuses = at_once([lambda token=token: end_others(token) for token in tokens])  # type: ignore[misc]
    assert sorted(statuses) == [200] + [401] * 5
    assert [me(app.test_client(), token).status_code for token in tokens].count(200) == 1


def test_database_file_is_readable_by_its_owner_only(tmp_path: Path, make_app: AppFactory) -> None:
    path = tmp_path / "fresh.db"
    app = make_app({"DATABASE_URI": f"sqlite:///{path}"})
    rows(app, "SELECT 1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.provokes_errors
def test_database_error_of_a_command_is_reported_without_values(
    tmp_path: Path, sqlite_template: Path, make_app: AppFactory
) -> None:
    path = tmp_path / "locked.db"
    path.write_bytes(sqlite_template.read_bytes())
    app = make_app({"DATABASE_URI": f"sqlite:///{path}"})
    wait_for_no_lock(app)
    other = sqlite3.connect(str(make_url(f"sqlite:///{path}").database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    options = ["--username", "ada", "--email", "canary@example.com"]
    result = app.test_cli_runner().invoke(
        args=["auth", "create-user", *options], input=f"{PASSWORD}\n{PASSWORD}\n"
    )
    other.close()
    assert result.exit_code == 1
    told = result.stderr.splitlines()[-1]
    assert told.startswith("Error: The database reported an error (OperationalError).")
    assert "flask --app app db upgrade" in told
    assert "canary" not in result.stderr
    assert "scrypt" not in result.output


@pytest.mark.provokes_errors
def test_missing_table_is_a_503(app: Flask, client: FlaskClient) -> None:
    execute(app, "ALTER TABLE sessions RENAME TO not_migrated_yet")
    try:
        register(client)
        answer = login(client)
        assert answer.status_code == 503
        assert answer.get_json()["code"] == "unavailable"
        assert answer.headers["Retry-After"]
    finally:
        execute(app, "ALTER TABLE not_migrated_yet RENAME TO sessions")
