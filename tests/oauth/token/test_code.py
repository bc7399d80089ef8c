"""The authorization code grant: what a code is bound to, PKCE, and its one use."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.oauth import REDIRECT, SECRET, client_row
from tests.support.oauth_tokens import (
    SCOPES,
    VERIFIER,
    call,
    claims_of,
    code_of,
    credentials,
    got,
    grant_rows,
    issue_code,
    log_in,
    reasons,
    redeem,
    refresh_app,
    refused,
    userinfo,
)
from tests.support.service import FixedClock, at_once, events, execute, rows

INVALID = (400, "invalid_grant", "oauth_code_invalid")
OVER = (400, "invalid_grant", "oauth_grant_over")


@pytest.fixture(autouse=True)
def registered(app: Flask) -> None:
    client_row(app)
    client_row(app, "other")


def test_right_call_gets_tokens_and_writes_a_grant_and_an_event(app: Flask) -> None:
    answer = redeem(app, code_of(app))
    body = answer.get_json()
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, " ".join(SCOPES))
    access, (grant,) = claims_of(body["access_token"]), grant_rows(app)
    assert access["aud"] == access["iss"] + "/oauth/userinfo"
    assert (access["client_id"], access["scope"]) == ("app", " ".join(SCOPES))
    assert access["gid"].replace("-", "") == str(grant["id"]).replace("-", "")
    assert not grant["offline"]
    assert events(app)[-1] == "app_signed_in"
    assert rows(app, "SELECT detail FROM audit_events ORDER BY id DESC LIMIT 1")[0]["detail"] == "App"


def test_id_token_has_what_openid_connect_asks_for(app: Flask, clock: FixedClock) -> None:
    body = got(app, amr="pwd otp mfa")
    claims = claims_of(body["id_token"])
    assert {name: claims[name] for name in ("aud", "nonce", "amr", "sub")} == {
        "aud": "app",
        "nonce": "nonce-of-the-client",
        "amr": ["pwd", "otp", "mfa"],
        "sub": "1",
    }
    assert claims["auth_time"] == claims["iat"] == int(clock.now().timestamp())
    assert claims["exp"] - claims["iat"] == 3600
    assert len(claims["at_hash"]) == 22
    assert len(claims["sid"]) == 43


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_second_opinion_verifies_the_tokens_and_at_hash(app: Flask, alg: str) -> None:
    jwt = pytest.importorskip("jwt")
    execute(app, "UPDATE oauth_clients SET id_token_alg = :alg", alg=alg)
    body = got(app)
    with app.app_context():
        signer = app.extensions["auth_services"].signer
        keys = {key["kid"]: key for key in signer.published(app.extensions["auth_services"])}
    header = jwt.get_unverified_header(body["id_token"])
    assert (header["alg"], header["typ"]) == (alg, "JWT")
    key = jwt.PyJWK(keys[header["kid"]]).key
    issuer = claims_of(body["id_token"])["iss"]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        body["id_token"], key, algorithms=[alg], audience="app", issuer=issuer, options=options
    )
    digest = jwt.get_algorithm_by_name(alg).compute_hash_digest(body["access_token"].encode())
    assert jwt.utils.base64url_encode(digest[:16]).decode() == claims["at_hash"]


def test_id_token_needs_openid_and_has_a_nonce_only_if_requested(app: Flask) -> None:
    assert "id_token" not in got(app, scopes=["profile"])
    assert "nonce" not in claims_of(got(app, oidc_nonce=None)["id_token"])


def test_offline_access_makes_a_grant_that_outlives_its_session(app: Flask) -> None:
    token = got(app, scopes=[*SCOPES, "offline_access"])["refresh_token"]
    execute(app, "UPDATE sessions SET ended_at = created_at")
    assert refresh_app(app, token).status_code == 200


def test_fault_3_code_of_another_client_is_refused_and_still_works_for_its_own(app: Flask) -> None:
    code = code_of(app)
    assert refused(redeem(app, code, **credentials("other"))) == INVALID
    assert reasons(app) == {"code_of_other_client"}
    assert redeem(app, code).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        None,
        f"{REDIRECT}/",
        f"{REDIRECT}?",
        REDIRECT.upper(),
        f" {REDIRECT}",
        f"{REDIRECT}\n",
        f"{REDIRECT}%2F",
    ],
)
def test_redirect_uri_must_be_the_same_text_and_a_wrong_one_changes_nothing(
    app: Flask, uri: str | None
) -> None:
    code = code_of(app)
    assert refused(redeem(app, code, redirect_uri=uri)) == INVALID
    assert reasons(app) == {"redirect_differs"}
    assert redeem(app, code).status_code == 200


@pytest.mark.parametrize(
    "verifier",
    [
        None,
        "",
        "v" * 42,
        "v" * 44,
        "v" * 129,
        f"{VERIFIER}\n",
        f"\n{VERIFIER}",
        f"{VERIFIER} ",
        f"{VERIFIER}=",
        VERIFIER.upper(),
        "é" * 43,
        "\x01" * 43,
        "x7ZvLUIdYNkFuCLrEgi8cK6UqwKQBo_PEfHk0B3r1hM",  # a challenge is no verifier
    ],
)
def test_faults_13_and_14_wrong_verifier_is_refused_and_changes_nothing(
    app: Flask, verifier: str | None
) -> None:
    code = code_of(app)
    assert refused(redeem(app, code, code_verifier=verifier)) == INVALID
    assert redeem(app, code).status_code == 200


def test_fault_13_verifier_without_a_challenge_is_refused(app: Flask) -> None:
    code = code_of(app, code_challenge=None)
    assert refused(redeem(app, code)) == INVALID
    assert reasons(app) == {"verifier_unexpected"}
    assert redeem(app, code, code_verifier=None).status_code == 200


def test_code_is_refused_after_a_minute(app: Flask, clock: FixedClock) -> None:
    code = code_of(app)
    clock.advance(60)
    assert refused(redeem(app, code)) == (400, "invalid_grant", "oauth_code_expired")
    assert grant_rows(app) == []


def test_fault_2_second_use_of_a_code_ends_the_grant_and_all_its_tokens(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    code = code_of(app)
    body = redeem(app, code).get_json()
    newer = refresh_app(app, body["refresh_token"]).get_json()
    clock.advance(120)
    assert refused(redeem(app, code)) == (400, "invalid_grant", "oauth_code_reused")
    for each in (body, newer):
        assert refused(userinfo(client, each["access_token"]))[0] == 401
        assert refused(refresh_app(app, each["refresh_token"])) == OVER
    assert events(app)[-1] == "app_code_reused"
    assert grant_rows(app)[0]["end_reason"] == "code_reused"


def test_wrong_second_use_of_a_code_changes_nothing(app: Flask, client: FlaskClient) -> None:
    code = code_of(app)
    body = redeem(app, code).get_json()
    assert refused(redeem(app, code, code_verifier="w" * 43)) == INVALID
    assert refused(redeem(app, code, redirect_uri="https://evil.example")) == INVALID
    assert refused(redeem(app, code, **credentials("other"))) == INVALID
    assert userinfo(client, body["access_token"]).status_code == 200


@pytest.mark.both_databases
def test_fault_1_of_16_calls_with_one_code_one_gets_tokens(app: Flask) -> None:
    code = code_of(app)
    answers = at_once([lambda: redeem(app, code)] * 16)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
    (grant,) = grant_rows(app)
    assert grant["end_reason"] == "code_reused"
    assert events(app).count("app_signed_in") == events(app).count("app_code_reused") == 1


ENDS = {
    "disabled": ("UPDATE users SET disabled_at = created_at", "account_unusable"),
    "closing": ("UPDATE users SET deletion_due_at = created_at", "account_unusable"),
    "blocked": ("UPDATE users SET password_blocked_at = created_at", "account_unusable"),
    "logged out": ("UPDATE sessions SET ended_at = created_at", "session_ended"),
    "idle": ("UPDATE sessions SET idle_end = created_at", "session_ended"),
    "old": ("UPDATE sessions SET absolute_end = created_at", "session_ended"),
    "session gone": ("DELETE FROM sessions", "session_ended"),
    "permission": ("UPDATE oauth_clients SET required_permission = 'wiki:read'", "permission_missing"),
}


@pytest.mark.parametrize(("change", "reason"), ENDS.values(), ids=list(ENDS))
def test_code_is_refused_where_a_login_would_be(app: Flask, change: str, reason: str) -> None:
    code = code_of(app)
    execute(app, change)
    assert refused(redeem(app, code)) == OVER
    assert reasons(app) == {reason}
    assert rows(app, "SELECT used_at FROM oauth_codes") == [{"used_at": None}]


@pytest.mark.parametrize("text", ["", "x", "A" * 64, "A" * 63, "A" * 64 + "\n", "é" * 64])
def test_text_that_is_no_code_of_ours_is_refused(app: Flask, text: str) -> None:
    code_of(app)
    expected = "oauth_code_invalid" if text else "oauth_form_parameter_missing"
    assert refused(redeem(app, text))[2] == expected


def test_forged_mac_of_a_code_is_refused(app: Flask) -> None:
    code = code_of(app)
    forged = code[:-1] + ("A" if code[-1] != "A" else "B")
    assert refused(redeem(app, forged)) == INVALID
    assert redeem(app, code).status_code == 200


def test_fault_20_resource_that_the_code_does_not_have_is_refused(app: Flask) -> None:
    code = code_of(app)
    answer = redeem(app, code, resource="https://api.example.com")
    assert refused(answer) == (400, "invalid_target", "oauth_resource_not_granted")
    assert redeem(app, code).status_code == 200


def test_public_client_redeems_without_a_secret(app: Flask) -> None:
    client_row(app, "spa", kind="spa")
    code = issue_code(app, *log_in(app), "spa")
    assert redeem(app, code, client_id="spa", client_secret=None).status_code == 200


FORBIDDEN: list[tuple[str | None, str]] = [
    (None, "invalid_request"),
    ("", "invalid_request"),
    ("password", "unsupported_grant_type"),
    ("implicit", "unsupported_grant_type"),
    ("client_credentials", "unsupported_grant_type"),
    ("urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type"),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
    ("Authorization_code", "unsupported_grant_type"),
    ("authorization_code\n", "unsupported_grant_type"),
]


@pytest.mark.parametrize("kind", ["web", "spa", "native", "resource"])
@pytest.mark.parametrize(("grant_type", "error"), FORBIDDEN)
def test_faults_25_26_and_28_other_grant_types_are_refused_for_every_client(
    app: Flask, kind: str, grant_type: str | None, error: str
) -> None:
    code = code_of(app)
    client_row(app, "any", kind=kind)
    form: dict[str, Any] = {"grant_type": grant_type, "username": "ada", "password": "correct horse battery"}
    secret = SECRET if kind in {"web", "resource"} else None
    answer = call(app, "token", client_id="any", client_secret=secret, **form, code=code)
    assert refused(answer)[:2] == (400, error)
    assert grant_rows(app) == []


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
def test_resource_may_use_no_grant_type(app: Flask, grant_type: str) -> None:
    client_row(app, "api", kind="resource")
    answer = call(app, "token", **credentials("api"), grant_type=grant_type)
    assert refused(answer) == (400, "unauthorized_client", "oauth_client_unauthorized")
