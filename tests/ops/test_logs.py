"""Logs: one JSON object a line, without user input or secrets."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.service import PASSWORD, bearer, login, me, refresh, register, rows, signed_in
from utils.database.readiness import Readiness
from utils.observability.logs import JsonLines
from utils.passwords.hashing import PasswordHasher

pytestmark = pytest.mark.no_recordings  # they look at every call

CANARY = "c4n4ry"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Yield every log line of the service and its libraries, formatted as on standard error."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    yield handler.stream
    logging.getLogger().removeHandler(handler)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_request_logs_one_line_with_its_fields(client: FlaskClient, log: io.StringIO) -> None:
    token = signed_in(client)["access_token"]
    log.truncate(log.seek(0))
    answer = me(client, token)
    client.delete("/auth/sessions/0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11", headers=bearer(token))
    client.post("/nowhere/at/all?secret=1")
    first, second, third = lines(log)
    assert {**first, "at": "", "ms": 0} == {
        "at": "",
        "level": "info",
        "logger": "auth",
        "event": "request",
        "request_id": answer.headers["X-Request-Id"],
        "method": "GET",
        "route": "/auth/me",
        "status": 200,
        "code": None,
        "ms": 0,
        "ip_address": "127.0.0.1",
        "user_id": 1,
    }
    assert (second["route"], second["code"]) == ("/auth/sessions/<uuid:session_id>", "session_not_found")
    assert (third["route"], third["status"], third["code"]) == (None, 404, "not_found")


@pytest.mark.provokes_errors
def test_probes_are_logged_only_if_they_fail(make_app: AppFactory, log: io.StringIO) -> None:
    client = make_app().test_client()
    for path in ("/health/live", "/health/ready"):
        assert client.get(path).status_code == client.head(path).status_code == 200
    assert lines(log) == []
    assert client.post("/health/live").status_code == 405
    failing = make_app(readiness=Readiness(lambda: False)).test_client()
    assert failing.get("/health/ready").status_code == 503
    assert [(line["route"], line["status"]) for line in lines(log)] == [(None, 405), ("/health/ready", 503)]


def test_request_id_of_the_caller_is_ignored(client: FlaskClient) -> None:
    answers = [client.get("/auth/me", headers={"X-Request-Id": "chosen"}) for _ in range(2)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert "chosen" not in ids
    assert answers[0].get_json()["request_id"] == answers[0].headers["X-Request-Id"]


def field_names(app: Flask) -> set[str]:
    """Return every field of every request and response."""
    schemas = app.test_client().get("/openapi.json").get_json()["components"]["schemas"].values()
    return {name for schema in schemas for name in schema.get("properties", {})}


def test_request_input_is_neither_logged_nor_echoed(app: Flask, log: io.StringIO) -> None:
    client = app.test_client(use_cookies=False)
    headers = {
        "Authorization": f"Bearer {CANARY}",
        "Cookie": f"__Host-refresh={CANARY}; session={CANARY}",
        "Sec-Fetch-Site": "same-origin",
        "Origin": f"https://{CANARY}.example",
        "Referer": f"https://{CANARY}.example/",
        "X-Anything": CANARY,
        "X-Request-Id": CANARY,
        "X-Forwarded-For": CANARY,
        "Accept-Language": CANARY,
        CANARY: CANARY,
    }
    fields: list[Any] = [CANARY, f"{CANARY}@", CANARY * 60, [CANARY], {CANARY: CANARY}, 5]
    bodies = [dict.fromkeys(field_names(app), value) | {CANARY: CANARY} for value in fields]
    raw = [json.dumps(body).encode() for body in bodies] + [CANARY.encode(), f'{{"{CANARY}'.encode(), b"\xff"]
    kinds = ["application/json", f"text/{CANARY}", f"application/json; charset={CANARY}"]
    paths = {rule.rule.replace("<uuid:session_id>", CANARY) for rule in app.url_map.iter_rules()}
    seen = []
    for path in sorted({*paths, f"/{CANARY}", f"/auth/{CANARY}", f"/auth/sessions/{CANARY}/{CANARY}"}):
        for method in ("GET", "POST", "DELETE", CANARY):
            for data in raw if method == "POST" else raw[:1]:
                for kind in kinds if data == raw[0] else kinds[:1]:
                    answer = client.open(
                        path,
                        method=method,
                        data=data,
                        content_type=kind,
                        headers=headers,
                        query_string={CANARY: CANARY, "token": CANARY},
                    )
                    seen.append(answer.get_data(as_text=True) + str(answer.headers))
    assert len(lines(log)) >= len(seen)
    assert not [text for text in seen if CANARY.lower() in text.lower()]
    assert CANARY.lower() not in log.getvalue().lower()


def test_secrets_of_successful_calls_are_not_logged(client: FlaskClient, log: io.StringIO) -> None:
    register(client, f"{CANARY}-name", email=f"{CANARY}@example.com", password=f"{CANARY} password")
    pair = login(client, f"{CANARY}-name", f"{CANARY} password").get_json()
    login(client, f"{CANARY}@example.com", f"{CANARY} wrong")
    login(client, f"{CANARY} typed into the wrong field")
    second = refresh(client, pair["refresh_token"]).get_json()
    client.get("/auth/sessions", headers=bearer(second["access_token"]))
    client.post("/auth/logout", json={"refresh_token": second["refresh_token"]})
    for secret in (CANARY, pair["access_token"], pair["refresh_token"], second["refresh_token"]):
        assert secret not in log.getvalue()


@pytest.mark.provokes_errors
def test_exception_is_logged_with_its_trace_and_without_its_message(
    make_app: AppFactory, log: io.StringIO
) -> None:
    class Failing(PasswordHasher):
        def hash(self, password: str) -> str:
            raise RuntimeError(password)

    answer = register(make_app(hasher=Failing("scrypt:256:8:1")).test_client(), password=f"{CANARY} password")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert CANARY not in answer.get_data(as_text=True) + log.getvalue()
    (line,) = [line for line in lines(log) if line["level"] == "error"]
    assert line["error"] == "RuntimeError"
    assert line["request_id"] == answer.get_json()["request_id"]
    assert any("test_logs.py" in place for place in line["trace"])


@pytest.mark.parametrize(
    "injected", ["\x1b[31mred", "\x9b31m", "\r\nnext", "\x7f", "\x00nul", "\x85next", '"}, {"']
)
def test_user_agent_cannot_inject_into_the_log(
    app: Flask, client: FlaskClient, log: io.StringIO, injected: str
) -> None:
    register(client)
    answer = client.post(
        "/auth/login",
        json={"username": "ada", "password": PASSWORD},
        environ_overrides={"HTTP_USER_AGENT": f"Mozilla {injected}"},
    )
    assert answer.status_code == 200
    told = client.get("/auth/sessions", headers=bearer(answer.get_json()["access_token"]))
    assert told.status_code == 200
    control = set(map(chr, [*range(32), *range(127, 160)])) - {"\n"}
    assert not control & set(log.getvalue())
    for table in ("sessions", "audit_events"):
        stored = {row["user_agent"] for row in rows(app, f"SELECT user_agent FROM {table}")}
        assert any(text.startswith("Mozilla") for text in stored)
        assert all(text.isprintable() for text in stored)
    assert len(lines(log)) == log.getvalue().count("\n") == 3


def test_log_record_with_line_breaks_is_one_line() -> None:
    record = logging.makeLogRecord({"name": "x", "msg": "a\r\nb\x1b[0m \u2028 é", "levelname": "INFO"})
    record.__dict__["extra"] = "c\nd\x85"
    line = JsonLines().format(record)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["event"] == "a\r\nb\x1b[0m \u2028 é"


def test_the_text_of_an_exception_is_not_logged() -> None:
    info = (ValueError, ValueError(CANARY), None)
    line = JsonLines().format(logging.makeLogRecord({"msg": "failed", "exc_info": info}))
    assert CANARY not in line
    assert json.loads(line)["error"] == "ValueError"
