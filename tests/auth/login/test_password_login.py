"""Password login: one refusal for every cause, one hash each, and session lifetimes."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Insert, event
from werkzeug.test import TestResponse

from models import db
from tests.conftest import AppFactory
from tests.support.service import (
    PASSWORD,
    CountingHasher,
    FixedClock,
    execute,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.passwords.hashing import PasswordHasher

CHEAP = "scrypt:256:8:1"
DAY = 24 * 60 * 60
WRONG = "a wrong password"

# What is done to ada's row, and the password that is then tried.
REFUSALS = {
    "unknown": ("DELETE FROM users", PASSWORD),
    "wrong": ("SELECT 1", WRONG),
    "disabled": ("UPDATE users SET disabled_at = created_at", PASSWORD),
    "disabled and wrong": ("UPDATE users SET disabled_at = created_at", WRONG),
    "no password": ("UPDATE users SET password_hash = NULL", PASSWORD),
}
# Rows that no version of this service wrote.
HOSTILE_HASHES = [
    "",
    "garbage",
    "$$",
    "md5$salt$0cc175b9c0f1b6a831c399e269772661",
    "plain$$" + PASSWORD,
    "scrypt:1048576:8:1$salt$00",
    "scrypt:1048576:8:16$salt$00",
    "scrypt:65536:1:1$salt$00",
    "scrypt:262144:8:16$salt$00",
    "scrypt:3:8:1$salt$00",
    "scrypt:0:0:0$salt$00",
    "scrypt:-1:8:1$salt$00",
    "pbkdf2:sha256:999999999$salt$00",
    "pbkdf2:sha256:0$salt$00",
    "pbkdf2:nonsense:1$salt$00",
]


def without_ids(answer: TestResponse) -> tuple[object, ...]:
    """Return every part of a response by which a caller could distinguish two refusals."""
    body = {key: value for key, value in answer.get_json().items() if key != "request_id"}
    headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
    headers["Content-Length"] = ""
    return answer.status_code, body, headers


@pytest.mark.parametrize("case", REFUSALS)
def test_login_refusals_are_identical_and_compute_one_hash(make_app: AppFactory, case: str) -> None:
    hasher = CountingHasher(PasswordHasher(CHEAP))
    app = make_app(hasher=hasher)
    client = app.test_client()
    register(client)
    usual = without_ids(login(client, password=WRONG))
    statement, password = REFUSALS[case]
    execute(app, "DELETE FROM audit_events")
    execute(app, statement)
    for sent in ({"username": "ada"}, {"email": "ada@example.com"}):
        hasher.calls = 0
        answer = client.post("/auth/login", json=sent | {"password": password})
        assert without_ids(answer) == usual
        assert answer.get_json()["message"] == "Invalid credentials"
        assert hasher.calls == 1
    assert rows(app, "SELECT id FROM sessions") == []


@pytest.mark.provokes_errors
@pytest.mark.parametrize("stored", HOSTILE_HASHES)
def test_malformed_stored_hash_is_refused_like_a_wrong_password(
    app: Flask, client: FlaskClient, stored: str, caplog: pytest.LogCaptureFixture
) -> None:
    register(client)
    usual = without_ids(login(client, password=WRONG))
    execute(app, "UPDATE users SET password_hash = :stored", stored=stored)
    assert without_ids(login(client)) == usual
    assert any(record.getMessage().startswith("a stored password hash is") for record in caplog.records)
    assert stored == "" or stored not in caplog.text


@pytest.mark.parametrize("wrong", [False, True])
def test_outdated_hash_is_renewed_by_a_successful_login_only(make_app: AppFactory, wrong: bool) -> None:
    register(make_app({"PASSWORD_HASH_METHOD": "pbkdf2:sha256:1000"}).test_client())
    hasher = CountingHasher(PasswordHasher(CHEAP))
    app = make_app(hasher=hasher)
    client = app.test_client()
    assert login(client, password=WRONG).status_code == 401
    assert hasher.calls == 1
    stored = rows(app, "SELECT password_hash FROM users")[0]["password_hash"]
    assert stored.startswith("pbkdf2:sha256:1000$")
    if wrong:
        return
    assert login(client).status_code == 200
    assert rows(app, "SELECT password_hash FROM users")[0]["password_hash"].startswith(f"{CHEAP}$")
    hasher.calls = 0
    assert login(client).status_code == 200
    assert hasher.calls == 1


class Interrupted(PasswordHasher):
    """Runs a callback while a password is being checked."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.meanwhile: Callable[[], object] = lambda: None

    def check(self, hashed: str, password: str) -> bool:
        self.meanwhile()
        return super().check(hashed, password)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET password_hash = 'scrypt:256:8:1$other$00'",
        "UPDATE users SET password_hash = NULL",
        "UPDATE users SET disabled_at = created_at",
        "DELETE FROM users",
    ],
)
def test_login_is_refused_if_the_account_changes_during_hashing(make_app: AppFactory, change: str) -> None:
    hasher = Interrupted()
    app = make_app(hasher=hasher)
    client = app.test_client()
    register(client)
    hasher.meanwhile = lambda: execute(app, change)
    answer = login(client)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_credentials")
    assert rows(app, "SELECT id FROM sessions") == []
    assert rows(app, "SELECT reason FROM audit_events WHERE event = 'sign_in_refused'")


@pytest.mark.parametrize(
    "name",
    [
        "nul\0",
        "\0",
        "x" * 60_000,
        "@",
        "@" * 5000,
        "x" * 60_000 + "@example.com",
        "a@" + "b." * 20_000,
        " ",
        "\N{SOFT HYPHEN}",
        "\N{RIGHT-TO-LEFT OVERRIDE}ada",
        "'; DROP TABLE users; --",
        "%",
        "ada%",
        "a_a",
        "../ada",
        "{{7*7}}",
        "\U0010ffff",
        "ada\n",
        "ada\0@example.com",
        "ada@example.com\0",
        "\N{HEBREW LETTER ALEF}a",
        "\N{ARABIC-INDIC DIGIT ONE}a",
    ],
)
def test_malformed_username_is_refused_as_unknown(client: FlaskClient, name: str) -> None:
    register(client)
    for field in ("username", "email"):
        answer = client.post("/auth/login", json={field: name, "password": PASSWORD})
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("password", [5, ["a"], {"a": 1}, True, "x" * 257, "x" * 60_000])
def test_malformed_password_is_a_400_for_known_and_unknown_user(
    client: FlaskClient, password: object
) -> None:
    register(client)
    for name in ("ada", "unknown"):
        answer = client.post("/auth/login", json={"username": name, "password": password})
        assert (answer.status_code, set(answer.get_json()["fields"])) == (400, {"password"})


@pytest.mark.parametrize("password", ["", None])
def test_empty_password_is_refused(app: Flask, client: FlaskClient, password: str | None) -> None:
    register(client)
    execute(app, "UPDATE users SET password_hash = ''")
    answer = client.post("/auth/login", json={"username": "ada", "password": password})
    assert answer.get_json()["message"] == "Missing username or password"


def test_username_takes_precedence_over_email(client: FlaskClient) -> None:
    register(client)
    register(client, "grace")
    assert login(client, email="grace@example.com").get_json()["user"]["username"] == "ada"


@pytest.mark.parametrize(
    ("remember", "idle", "absolute"), [(False, DAY // 2, DAY), (True, 30 * DAY, 90 * DAY)]
)
def test_session_ends_after_idle_or_absolute_lifetime(
    client: FlaskClient, clock: FixedClock, remember: bool, idle: int, absolute: int
) -> None:
    token = signed_in(client, remember=remember)["refresh_token"]
    clock.advance(idle - 1)
    token = refresh(client, token).get_json()["refresh_token"]
    clock.advance(idle)
    assert refresh(client, token).get_json()["code"] == "refresh_token_expired"

    token = signed_in(client, remember=remember)["refresh_token"]
    step = absolute // 10
    for _ in range(9):
        clock.advance(step)
        token = refresh(client, token).get_json()["refresh_token"]
    clock.advance(absolute - 9 * step - 1)
    last = refresh(client, token).get_json()
    assert me(client, last["access_token"]).status_code == 200
    clock.advance(1)
    assert refresh(client, last["refresh_token"]).get_json()["code"] == "refresh_token_expired"
    assert me(client, last["access_token"]).status_code == 401


def test_access_token_expires_with_its_idle_session(make_app: AppFactory, clock: FixedClock) -> None:
    client = make_app({"SESSION_IDLE_LIFETIME": "60"}).test_client()
    token = signed_in(client)["access_token"]
    clock.advance(59)
    assert me(client, token).status_code == 200
    clock.advance(1)
    assert me(client, token).status_code == 401


def test_51st_session_ends_the_least_recently_used_one(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    other = signed_in(client, "grace")
    first, second = signed_in(client), signed_in(client)
    clock.advance(1)
    first = refresh(client, first["refresh_token"]).get_json()  # now the second is the least recently used
    for _ in range(48):
        clock.advance(1)
        signed_in(client)
    assert me(client, second["access_token"]).status_code == 200
    last = signed_in(client)
    assert me(client, second["access_token"]).status_code == 401
    assert me(client, first["access_token"]).status_code == 200
    assert me(client, last["access_token"]).status_code == 200
    assert me(client, other["access_token"]).status_code == 200
    ended = rows(app, "SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL")
    assert ended == [{"end_reason": "too_many"}]


def test_session_limit_never_ends_the_newest_session(client: FlaskClient, clock: FixedClock) -> None:
    for _ in range(52):
        newest = signed_in(client)  # all in the same moment
        assert me(client, newest["access_token"]).status_code == 200
    clock.advance(-1)  # another machine's clock is a little behind
    assert me(client, signed_in(client)["access_token"]).status_code == 200


@pytest.mark.both_databases
def test_refusals_of_known_and_unknown_names_build_no_audit_statement(
    app: Flask, client: FlaskClient
) -> None:
    """Building one takes half a millisecond, by which its time would tell an unknown name."""
    register(client)
    ran: list[Any] = []

    def note(_connection: Any, statement: Any, *_: Any) -> None:
        if isinstance(statement, Insert) and statement.table.name == "audit_events":
            ran.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_execute", note)
    for name in ("ada", "unknown") * 2:
        assert login(client, name, "a wrong one").status_code == 401
    event.remove(engine, "before_execute", note)
    assert len(ran) == 4
    assert len({id(statement) for statement in ran}) == 2
