"""REQUIRE_SECOND_FACTOR: an account without a factor can enroll one, and nothing else."""

import re
from typing import Any
from uuid import UUID

import jwt
import pytest
from flask import Flask, g, jsonify
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.passkeys import add
from tests.support.requests import HOUR, post, said
from tests.support.service import FixedClock, bearer, login, me, refresh, register, signed_in
from tests.support.soft_passkey import SoftPasskey
from utils.auth_helpers import allow_enrollment, generate_jwt_token, jwt_required, verify_jwt_token
from utils.web.http import documentation

SETUP = (403, "second_factor_setup_required")
NO_ID = str(UUID(int=0))


@pytest.fixture
def app(make_app: AppFactory) -> Flask:
    return make_app({"REQUIRE_SECOND_FACTOR": "true"})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def guarded_routes(app: Flask) -> list[tuple[str, str, bool]]:
    """Return every guarded route, with whether it allows enrollment."""
    found = []
    for rule in app.url_map.iter_rules():
        told = documentation(app.view_functions[rule.endpoint])
        path = re.sub("<uuid:.*>", NO_ID, rule.rule)
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [(method, path, told.scope is not None) for method in methods if told.guarded]
    return found


def audience(app: Flask, token: str) -> str:
    """Return the token's audience, as another service reads it."""
    found: str = jwt.decode(token, options={"verify_signature": False})["aud"]
    return found


def test_login_without_a_factor_allows_only_enrollment(app: Flask, client: FlaskClient) -> None:
    body = signed_in(client)
    assert body["second_factor_setup_required"] is True
    access = body["access_token"]
    told = me(client, access).get_json()
    assert told["second_factor_setup_required"] is True
    open_paths = set()
    for method, path, is_open in guarded_routes(app):
        answer = client.open(path, method=method, json={}, headers=bearer(access))
        assert (said(answer) == SETUP) is not is_open, (method, path)
        if is_open:
            open_paths.add(f"{method} {path.removeprefix('/auth/').replace(NO_ID, 'id')}")
    assert open_paths == {
        *("GET me", "POST reauth", "POST reauth/options"),
        *("GET totp", "POST totp", "POST totp/confirm", "DELETE totp", "POST recovery-codes"),
        *("GET passkeys", "POST passkeys", "POST passkeys/options"),
        *("PATCH passkeys/id", "DELETE passkeys/id"),
    }


def test_refused_call_during_enrollment_changes_nothing(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert said(client.patch("/auth/me", json={"username": "eve"}, headers=bearer(access))) == SETUP
    assert me(client, access).get_json()["user"]["username"] == "ada"


def test_totp_completes_enrollment(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    assert client.get("/auth/sessions", headers=bearer(owner.access)).status_code == 200
    done = owner.log_in()
    assert "second_factor_setup_required" not in done
    assert client.get("/auth/verify", headers=bearer(done["access_token"])).status_code == 204


def test_passkey_completes_enrollment(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert add(client, access, SoftPasskey())[0].status_code == 201
    assert client.get("/auth/sessions", headers=bearer(access)).status_code == 200


def test_enrollment_token_has_another_audience(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    begun = signed_in(client)
    wanted = app.extensions["auth_services"].settings.jwt_audience
    assert audience(app, begun["access_token"]) == f"{wanted}/setup"
    renewed = refresh(client, begun["refresh_token"]).get_json()
    again = post(client, "reauth", renewed["access_token"], password="correct horse battery").get_json()
    for each in (begun, renewed, again):
        assert audience(app, each["access_token"]) == f"{wanted}/setup"
        with app.app_context():
            assert verify_jwt_token(each["access_token"]) is None
    access = begun["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    assert post(client, "totp/confirm", access, code=phone.code()).status_code == 200
    renewed = refresh(client, renewed["refresh_token"]).get_json()
    assert audience(app, renewed["access_token"]) == wanted
    with app.app_context():
        assert verify_jwt_token(renewed["access_token"]) == 1


def test_removing_the_last_factor_requires_enrollment_again(client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    assert said(owner.remove(code=owner.phone.next_code())) == (200, "")
    assert said(client.get("/auth/sessions", headers=bearer(owner.access))) == SETUP
    assert login(client).get_json()["second_factor_setup_required"] is True


def test_sessions_older_than_the_setting_require_enrollment(make_app: AppFactory, database_uri: str) -> None:
    before = make_app()
    access = signed_in(before.test_client())["access_token"]
    assert before.test_client().get("/auth/sessions", headers=bearer(access)).status_code == 200
    after = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    assert said(after.test_client().get("/auth/sessions", headers=bearer(access))) == SETUP


def test_enrollment_requires_a_fresh_login(client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    clock.advance(HOUR - 1)
    assert said(post(client, "totp", access)) == (403, "reauth_required")
    fresh = post(client, "reauth", access, password="correct horse battery").get_json()["access_token"]
    assert post(client, "totp", fresh).status_code == 200


def test_custom_guarded_route_is_refused_unless_it_allows_enrollment(app: Flask, client: FlaskClient) -> None:
    @app.get("/mine")
    @jwt_required
    def mine() -> Any:
        return jsonify(id=g.principal.user_id)

    @app.get("/welcome")
    @jwt_required
    @allow_enrollment
    def welcome() -> Any:
        return jsonify(id=g.principal.user_id)

    access = signed_in(client)["access_token"]
    assert said(client.get("/mine", headers=bearer(access))) == SETUP
    assert client.get("/welcome", headers=bearer(access)).status_code == 200


def test_token_without_session_requires_no_enrollment(app: Flask, client: FlaskClient) -> None:
    register(client)
    with app.app_context():
        token = generate_jwt_token(1)
    assert client.get("/auth/me/activity", headers=bearer(token)).status_code == 200


def test_enrollment_is_not_required_by_default(make_app: AppFactory) -> None:
    client = make_app().test_client()
    body = signed_in(client)
    assert "second_factor_setup_required" not in body
    assert me(client, body["access_token"]).get_json()["second_factor_setup_required"] is False


def test_configured_audience_ending_in_setup_is_accepted(make_app: AppFactory) -> None:
    app = make_app({"JWT_AUDIENCE": "https://example.com/setup"})
    with app.app_context():
        assert verify_jwt_token(generate_jwt_token(1)) == 1


def test_explain_reports_that_enrollment_is_required(app: Flask, client: FlaskClient) -> None:
    register(client)
    told = app.test_cli_runner().invoke(args=["auth", "explain", "ada"]).output
    assert "only allows setting up a second factor, which is required" in told
