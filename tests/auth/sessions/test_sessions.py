"""Sessions: refresh token rotation, reuse detection and revocation."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from models import User, db
from tests.conftest import AppFactory
from tests.support.service import (
    START,
    FixedClock,
    bearer,
    events,
    execute,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token

pytestmark = pytest.mark.both_databases


def code_of(client: FlaskClient, refresh_token: str) -> str | None:
    """Return the error code of a refresh, or None if it succeeds."""
    code: str | None = refresh(client, refresh_token).get_json().get("code")
    return code


def test_refresh_returns_a_new_token_pair(app: Flask, client: FlaskClient) -> None:
    first = signed_in(client)
    second = refresh(client, first["refresh_token"]).get_json()
    assert set(second) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert me(client, second["access_token"]).status_code == 200
    assert events(app) == ["account_registered", "signed_in", "session_refreshed"]


def test_refresh_token_reuse_after_the_grace_period_ends_the_session(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first = signed_in(client)
    second = refresh(client, first["refresh_token"]).get_json()
    clock.advance(21)
    assert refresh(client, first["refresh_token"]).get_json()["code"] == "refresh_token_reused"
    assert refresh(client, second["refresh_token"]).get_json()["code"] == "refresh_token_invalid"
    assert me(client, second["access_token"]).status_code == 401
    assert events(app)[-1] == "refresh_token_reused"
    assert code_of(client, first["refresh_token"]) == "refresh_token_invalid"
    assert events(app).count("refresh_token_reused") == 1  # the owner is told once


def test_refresh_within_the_grace_period_returns_the_same_successor(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first = signed_in(client)["refresh_token"]
    second = refresh(client, first).get_json()["refresh_token"]
    for _ in range(4):
        clock.advance(5)
        again = refresh(client, first).get_json()
        assert again["refresh_token"] == second
        assert me(client, again["access_token"]).status_code == 200
    assert rows(app, "SELECT generation FROM sessions") == [{"generation": 1}]
    assert events(app).count("session_refreshed") == 1
    clock.advance(0.001)  # using the grace did not extend it
    assert code_of(client, first) == "refresh_token_reused"


def test_reuse_of_an_older_token_within_the_grace_period_ends_the_session(
    app: Flask, client: FlaskClient
) -> None:
    first = signed_in(client)["refresh_token"]
    second = refresh(client, first).get_json()["refresh_token"]
    third = refresh(client, second).get_json()
    assert code_of(client, first) == "refresh_token_reused"
    assert code_of(client, third["refresh_token"]) == "refresh_token_invalid"
    assert me(client, third["access_token"]).status_code == 401
    assert rows(app, "SELECT end_reason FROM sessions") == [{"end_reason": "reuse"}]


def test_refresh_token_reuse_ends_only_its_session(client: FlaskClient) -> None:
    other = signed_in(client)
    first = signed_in(client)["refresh_token"]
    refresh(client, refresh(client, first).get_json()["refresh_token"])
    assert code_of(client, first) == "refresh_token_reused"
    assert code_of(client, other["refresh_token"]) is None


def test_token_newer_than_a_restored_backup_is_not_reuse(app: Flask, client: FlaskClient) -> None:
    tokens = [signed_in(client)["refresh_token"]]
    for _ in range(3):
        tokens.append(refresh(client, tokens[-1]).get_json()["refresh_token"])
    execute(app, "UPDATE sessions SET generation = 1, rotated_at = created_at")
    assert code_of(client, tokens[3]) == "refresh_token_invalid"
    assert code_of(client, tokens[2]) == "refresh_token_invalid"
    assert rows(app, "SELECT ended_at FROM sessions") == [{"ended_at": None}]
    assert code_of(client, tokens[1]) is None


def test_remember_survives_rotation(client: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(client, remember=True)["refresh_token"]
    for _ in range(4):
        clock.advance(20 * 86400)
        token = refresh(client, token).get_json()["refresh_token"]
    access = refresh(client, token).get_json()["access_token"]
    listed = client.get("/auth/sessions", headers=bearer(access)).get_json()["sessions"]
    assert [item["remembered"] for item in listed] == [True]


@pytest.mark.parametrize("body", [None, {}, {"refresh_token": None}, {"refresh_token": ""}])
def test_refresh_without_a_token_is_a_401(client: FlaskClient, body: object) -> None:
    answer = client.post("/auth/refresh", json=body) if body is not None else client.post("/auth/refresh")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "refresh_token_missing")


@pytest.mark.both_databases(slow=True)
def test_altered_refresh_token_is_refused(app: Flask, client: FlaskClient) -> None:
    token, other = signed_in(client)["refresh_token"], signed_in(client)["refresh_token"]
    forged = [
        token[:-1],
        token + "A",
        token + "=",
        token.lower(),
        "",
        token[:34] + other[34:],
        other[:34] + token[34:],
    ]
    # A bit in each byte of the text: version, session, generation, MAC.
    forged += [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    for text in forged:
        assert refresh(client, text).status_code == 401
        assert client.post("/auth/logout", json={"refresh_token": text}).status_code == 204
    assert refresh(client, signed_in(client)["access_token"]).status_code in {400, 401}
    assert code_of(client, token) is None
    assert code_of(client, other) is None


@pytest.mark.both_databases(slow=True)
@pytest.mark.parametrize("way", ["refresh token", "used refresh token", "bearer", "expired bearer", "both"])
def test_logout_ends_the_session(app: Flask, client: FlaskClient, clock: FixedClock, way: str) -> None:
    other, first = signed_in(client), signed_in(client)
    second = refresh(client, first["refresh_token"]).get_json()
    if way == "expired bearer":
        clock.advance(3601)
        assert me(client, second["access_token"]).status_code == 401
    body = {
        "refresh token": {"refresh_token": second["refresh_token"]},
        "used refresh token": {"refresh_token": first["refresh_token"]},
        "both": {"refresh_token": second["refresh_token"]},
    }.get(way)
    headers = None if "refresh" in way else bearer(second["access_token"])
    for _ in range(2):
        answer = client.post("/auth/logout", json=body, headers=headers) if body else client.post(
            "/auth/logout", headers=headers
        )  # fmt: skip
        assert (answer.status_code, answer.data) == (204, b"")
    assert code_of(client, second["refresh_token"]) == "refresh_token_invalid"
    assert me(client, second["access_token"]).status_code == 401
    assert events(app).count("signed_out") == 1
    assert code_of(client, other["refresh_token"]) is None


@pytest.mark.both_databases(slow=True)
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer " + "x" * 4000, "é"]
)
def test_logout_with_malformed_tokens_is_a_204(app: Flask, client: FlaskClient, header: str) -> None:
    signed_in(client)
    for text in ("x", "é", "A" * 512, "\0"):
        answer = client.post("/auth/logout", json={"refresh_token": text}, headers={"Authorization": header})
        assert answer.status_code == 204
    assert client.post("/auth/logout").status_code == 204
    assert rows(app, "SELECT ended_at FROM sessions") == [{"ended_at": None}]
    assert events(app) == ["account_registered", "signed_in"]


def test_a_disabled_user_is_refused_at_once(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    other = signed_in(client, "grace")
    with app.app_context():
        long_lived = generate_jwt_token(1)
    assert me(client, long_lived).status_code == 200
    execute(app, "UPDATE users SET disabled_at = created_at WHERE username = 'ada'")
    for token in (pair["access_token"], long_lived):
        assert me(client, token).get_json()["code"] == "token_invalid"
    assert code_of(client, pair["refresh_token"]) == "refresh_token_invalid"
    assert me(client, other["access_token"]).status_code == 200
    execute(app, "UPDATE users SET disabled_at = NULL")
    assert me(client, pair["access_token"]).status_code == 200


def test_token_without_session_is_refused_after_revocation(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    with app.app_context():
        before = generate_jwt_token(1)
        assert me(client, before).status_code == 200  # issued in the very moment of the registration
        clock.advance(0.5)
        after = generate_jwt_token(1)
        db.session.execute(update(User).values(tokens_valid_after=START + timedelta(seconds=0.25)))
        db.session.commit()
    assert me(client, before).status_code == 401
    assert me(client, after).status_code == 200


def test_revoked_session_is_refused_in_another_process_and_after_restart(make_app: AppFactory) -> None:
    one, two = make_app().test_client(), make_app().test_client()
    pair = signed_in(one)
    assert me(two, pair["access_token"]).status_code == 200
    one.post("/auth/logout", json={"refresh_token": pair["refresh_token"]})
    for client in (one, two, make_app().test_client()):
        assert me(client, pair["access_token"]).status_code == 401
        assert code_of(client, pair["refresh_token"]) == "refresh_token_invalid"


def test_tokens_of_an_erased_user_are_refused(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    with app.app_context():
        long_lived = generate_jwt_token(1)
    execute(app, "DELETE FROM users")
    assert rows(app, "SELECT id FROM sessions") == []
    for token in (pair["access_token"], long_lived):
        assert me(client, token).status_code == 401
    assert code_of(client, pair["refresh_token"]) == "refresh_token_invalid"
    assert client.post("/auth/logout", headers=bearer(pair["access_token"])).status_code == 204
    register(client, "mallory")
    assert me(client, long_lived).status_code == 401
