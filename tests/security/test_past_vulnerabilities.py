"""Past vulnerabilities of other projects, tried on this service and named after their advisory."""

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import ConfigurationError, Settings
from tests.support.memory_apps import memory_app
from tests.support.production import load
from tests.support.service import (
    PASSWORD,
    CountingHasher,
    at_once,
    bearer,
    events,
    execute,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import check_password, generate_jwt_token, hash_password

AppFactory = Callable[..., Flask]
COOKIE = "__Host-refresh"


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        client = app.test_client()
        register(client)
        yield client


def test_cve_2023_25577_and_cve_2023_46136_multipart(memory: FlaskClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    for body, status in ((part * 100_000, 413), (b"\r" * 10_000_000, 413), (part * 1_000, 415)):
        began = time.process_time()
        answer = memory.post("/auth/login", data=body, content_type="multipart/form-data; boundary=x")
        assert answer.status_code == status
        assert time.process_time() - began < 1


def test_cve_2023_23934_a_cookie_without_a_name(memory: FlaskClient) -> None:
    token = signed_in(memory)["refresh_token"]
    headers = {"Cookie": f"={COOKIE}={token}", "Sec-Fetch-Site": "same-origin"}
    assert memory.post("/auth/refresh", headers=headers).get_json()["code"] == "refresh_token_missing"


def test_cve_2024_34069_the_debugger(memory: FlaskClient) -> None:
    with pytest.raises(ConfigurationError):
        load(FLASK_DEBUG="1")
    assert memory.get("/console").status_code == 404
    for path in ("/?__debugger__=yes", "/?__debugger__=yes&cmd=resource&f=style.css"):
        assert memory.get(path).location == memory.get("/").location


@pytest.mark.provokes_errors
@pytest.mark.parametrize("stored", ["", "md5$salt$hash", "scrypt:1048576:8:1$salt$00", "scrypt:0:0:0$s$00"])
def test_werkzeug_malformed_stored_hash_is_refused(app: Flask, client: FlaskClient, stored: str) -> None:
    register(client)
    execute(app, "UPDATE users SET password_hash = :hash", hash=stored)
    began = time.process_time()
    assert login(client).get_json()["code"] == "invalid_credentials"
    assert time.process_time() - began < 2


def test_cve_2025_47278_previous_key_does_not_sign(make_app: AppFactory) -> None:
    old, new = "an old key: thirty-two bytes and more", "a new key: thirty-two bytes and more"
    both = make_app({"FLASK_SECRET_KEY": new, "FLASK_PREVIOUS_SECRET_KEYS": old}).test_client()
    token = signed_in(both)["refresh_token"]
    assert refresh(make_app({"FLASK_SECRET_KEY": old}).test_client(), token).status_code == 401
    assert refresh(make_app({"FLASK_SECRET_KEY": new}).test_client(), token).status_code == 200


def test_cve_2019_19844_and_ghsa_7rqj_lookalike_addresses(memory: FlaskClient) -> None:
    register(memory, "mike", email="mike@example.org")
    register(memory, "kate", email="kate@example.org")
    assert login(memory, "m\u0131ke@example.org").status_code == 401
    assert register(memory, "dotless", email="m\u0131ke@example.org").get_json()["user"]["id"] == 4
    assert register(memory, "other", email="mike\uff20example.org").status_code == 400
    # NFC turns the Kelvin sign into a K before comparison and storage: one address, one account.
    assert register(memory, "other", email="\u212aate@example.org").get_json()["code"] == "email_taken"
    assert login(memory, "\u212aate@example.org").get_json()["user"]["email"] == "kate@example.org"
    assert register(memory, "other", email="MIKE@EXAMPLE.ORG").get_json()["code"] == "email_taken"


@pytest.mark.parametrize("space", [" ", "\t", "\xa0", "\u200b", "\xad", "\u3000", "\ufeff", "\0", "\n"])
def test_cve_2020_7245_white_space_around_a_name(memory: FlaskClient, space: str) -> None:
    for name in (f"ada{space}", f"{space}ada", f"a{space}da"):
        assert register(memory, name, email="b@example.com").status_code == 400
        assert register(memory, "bob", email=f"{name}@example.com").status_code == 400
    assert register(memory, "bob", email=f"ada@example.com{space}").status_code == 400


def test_cve_2013_1443_and_cve_2025_64458_long_passwords() -> None:
    with memory_app() as app:
        counting = CountingHasher(app.extensions["auth_services"].hasher)
    with memory_app(hasher=counting) as app:
        for password in ("x" * 1_000_000, "a" + "\u0301" * 1_000_000, "\u0344" * 20_000):
            assert login(app.test_client(), password=password).status_code in {400, 413}
    assert counting.calls == 0


def test_cve_2024_39329_and_cve_2025_13473_login_timing() -> None:
    with memory_app() as app:
        hasher = app.extensions["auth_services"].hasher
        with app.app_context():
            current = hash_password(PASSWORD)
    changes = {
        "fine": "email_verified_at = NULL",
        "disabled": "disabled_at = '2026-01-01 00:00:00'",
        "no password": "password_hash = NULL",
        "gone": "username_key = 'somebody'",
    }
    for change in changes.values():
        counting = CountingHasher(hasher)
        with memory_app(hasher=counting) as app:
            register(app.test_client())
            execute(app, f"UPDATE users SET password_hash = '{current}'")
            execute(app, f"UPDATE users SET {change}")
            counting.calls = 0
            assert login(app.test_client(), password="wrong password").status_code == 401
            assert counting.calls == 1


def test_cve_2018_6188_disabled_account_is_indistinguishable(memory: FlaskClient) -> None:
    execute(memory.application, "UPDATE users SET disabled_at = '2026-01-01 00:00:00'")
    answers = [login(memory), login(memory, password="wrong password"), login(memory, "unknown")]
    bodies = [answer.get_json() | {"request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]


def test_cve_2024_22513_disabled_user_gets_no_tokens(memory: FlaskClient) -> None:
    pair = signed_in(memory)
    execute(memory.application, "UPDATE users SET disabled_at = '2026-01-01 00:00:00'")
    assert refresh(memory, pair["refresh_token"]).status_code == 401
    assert me(memory, pair["access_token"]).status_code == 401
    with memory.application.app_context():
        assert me(memory, generate_jwt_token(1)).status_code == 401


def test_cve_2026_1035_parallel_refreshes_leave_one_valid_token(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["refresh_token"]
    answers = at_once([lambda: refresh(app.test_client(), token)] * 6)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.get_json()["refresh_token"] for answer in answers}) == 1
    assert rows(app, "SELECT generation FROM sessions") == [{"generation": 1}]
    assert events(app).count("session_refreshed") == 1


def test_cve_2026_9802_a_revoked_token_after_a_restart(make_app: AppFactory) -> None:
    before = make_app().test_client()
    pair = signed_in(before)
    refresh_only = {"refresh_token": pair["refresh_token"]}
    assert before.post("/auth/logout", json=refresh_only).status_code == 204
    after = make_app().test_client()
    assert refresh(after, pair["refresh_token"]).status_code == 401
    assert me(after, pair["access_token"]).status_code == 401


def test_cve_2026_4630_and_tob_pypi26_11_session_id_of_another_account(memory: FlaskClient) -> None:
    mine, theirs = signed_in(memory), signed_in(memory, "bob")
    headers = bearer(theirs["access_token"])
    own = memory.get("/auth/sessions", headers=headers).get_json()["sessions"][0]["id"]
    assert UUID(own)
    answer = memory.delete(f"/auth/sessions/{own}", headers=bearer(mine["access_token"]))
    assert (answer.status_code, answer.get_json()["code"]) == (404, "session_not_found")
    assert me(memory, theirs["access_token"]).status_code == 200


def test_cve_2025_61928_a_user_id_in_the_body(memory: FlaskClient) -> None:
    bob = register(memory, "bob", user_id=1, id=1, sub="1").get_json()["user"]
    assert bob["id"] == 2
    token = login(memory, "bob", user_id=1).get_json()["access_token"]
    answer = memory.get("/auth/me?user_id=1", headers=bearer(token), json={"user_id": 1})
    assert answer.get_json()["user"]["id"] == 2


def test_ghsa_2vg6_77g8_24mp_sessions_of_a_deleted_user(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    with app.app_context():
        without_session = generate_jwt_token(1)
    execute(app, "DELETE FROM users")
    assert me(client, pair["access_token"]).status_code == 401
    assert me(client, without_session).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    register(client)  # the id is not reused, so the token stays invalid
    assert me(client, without_session).status_code == 401


def test_ghsa_xmf8_cvqr_rfgj_a_malformed_authorization_header(memory: FlaskClient) -> None:
    for text in ("Bearer", "Bearer \xff", "Basic ::", "Bearer %00", ",", "Bearer a,Bearer b", "=" * 500):
        assert memory.get("/auth/me", headers={"Authorization": text}).status_code == 401


def test_ghsa_8fpg_xm3f_6cx3_a_broken_configuration_does_not_start() -> None:
    with pytest.raises(ConfigurationError):
        Settings.load(type("Broken", (object,), {"FLASK_ENV": "production"}), {"PORT": "x"})


def test_cve_2026_25748_malformed_cookie_is_refused(memory: FlaskClient) -> None:
    for cookie in ("x", "A" * 76, '"', "%00", "=", "a" * 8_000, base64.b64encode(b"\1" * 57).decode()):
        headers = {"Cookie": f"{COOKIE}={cookie}", "Sec-Fetch-Site": "same-origin"}
        assert memory.post("/auth/refresh", headers=headers).status_code == 401
        assert memory.get("/auth/me", headers=headers).status_code == 401
        assert memory.post("/auth/logout", headers=headers).status_code == 204


def test_tob_pypi26_4_each_action_writes_exactly_one_event(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    login(client, password="wrong password")
    client.post("/auth/sessions/revoke-others", headers=bearer(pair["access_token"]))
    refresh(client, pair["refresh_token"])
    client.post("/auth/logout", headers=bearer(pair["access_token"]))
    assert (
        events(app)
        == (
            "account_registered signed_in sign_in_refused other_sessions_ended session_refreshed signed_out"
        ).split()
    )


def test_django_allauth_65_14_2_a_spoofed_forwarded_for() -> None:
    told = {"X-Forwarded-For": "6.6.6.6, 5.5.5.5", "X-Real-Ip": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    expected = {"0": "127.0.0.1", "1": "5.5.5.5", "2": "6.6.6.6"}
    for proxies, address in expected.items():
        assert seen_address({"TRUSTED_PROXIES": proxies}, told) == address


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unknown", None),
        ("1.2.3.4:80", "1.2.3.4"),
        ("' OR 1=1", None),
        ("1" * 5_000, None),
    ],
)
def test_cve_2026_45364_equivalent_ip_addresses(told: str, seen: str | None) -> None:
    assert seen_address({"TRUSTED_PROXIES": "1"}, {"X-Forwarded-For": told}) == seen


def seen_address(environ: dict[str, str], headers: dict[str, Any]) -> str | None:
    with memory_app(environ) as app:
        register(app.test_client())
        assert login(app.test_client(), headers=headers).status_code == 200
        found: str | None = rows(app, "SELECT ip_address FROM sessions")[0]["ip_address"]
        return found


def test_django_allauth_65_11_1_blank_password_is_refused(memory: FlaskClient) -> None:
    """django-allauth 65.11.1: a blank password."""
    execute(memory.application, "UPDATE users SET password_hash = NULL")
    for password in (" ", "\0", "None", "null"):
        assert login(memory, password=password).status_code == 401
    assert login(memory, password="").status_code == 400
    with memory.application.app_context():
        assert not check_password(hash_password("x"), "")
