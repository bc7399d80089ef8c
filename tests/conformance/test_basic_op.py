"""The modules of the suite's plan for Basic OP (oidcc-basic-certification-test-plan), by their names.

docs/security/conformance.md has the table, and says what a module demands that this service does not do.
"""

import base64
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from tests.support.authorization_requests import BROWSES, asked, opened, parameters_of, sent
from tests.support.conformance import Suite, answered, suite_query
from tests.support.oauth import REDIRECT, SECRET
from tests.support.oauth_tokens import CHALLENGE, VERIFIER, refused
from tests.support.service import FixedClock, bearer, login


def request_object(**claims: str) -> str:
    """Return an unsigned request object (OpenID Connect Core, 6.1)."""
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
    return ".".join([*encoded, ""])


def silent(suite: Suite, **changes: str) -> dict[str, str]:
    """Return the answer of a request with `prompt=none`."""
    return sent(asked(suite.browser, suite_query(prompt="none", **changes), suite.access))


def test_oidcc_server(suite: Suite, clock: FixedClock) -> None:
    answer = suite.redeem(suite.code())
    body = answered(answer)
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] > 0
    claims = suite.id_token(body["id_token"])
    digest = sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert claims["iat"] == int(clock.now().timestamp()) < claims["exp"]
    assert claims["sub"].isascii()
    assert len(claims["sub"]) <= 255


def test_oidcc_idtoken_signature(suite: Suite) -> None:
    body = suite.tokens()
    assert suite.id_token(body["id_token"])  # by the key of its `kid`
    head, payload, mac = body["id_token"].split(".")
    with pytest.raises(Exception, match="Signature verification failed"):
        suite.id_token(f"{head}.{payload}.{mac[:-8]}AAAAAAAA")


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite) -> None:
    assert "nonce" not in suite.id_token(suite.tokens(nonce=None)["id_token"], nonce=None)


@pytest.mark.parametrize(
    "method", ["oidcc_userinfo_get", "oidcc_userinfo_post_header", "oidcc_userinfo_post_body"]
)
def test_oidcc_userinfo(app: Flask, suite: Suite, method: str) -> None:
    body = suite.tokens()
    token, client = body["access_token"], app.test_client()
    answer = {
        "oidcc_userinfo_get": lambda: client.get("/oauth/userinfo", headers=bearer(token)),
        "oidcc_userinfo_post_header": lambda: client.post("/oauth/userinfo", headers=bearer(token)),
        "oidcc_userinfo_post_body": lambda: client.post("/oauth/userinfo", data={"access_token": token}),
    }[method]()
    assert answer.mimetype == "application/json"
    assert answered(answer)["sub"] == suite.id_token(body["id_token"])["sub"]


SCOPES = {
    "oidcc_scope_profile": ("openid profile", {"preferred_username", "name"}),
    "oidcc_scope_email": ("openid email", {"email", "email_verified"}),
    "oidcc_ensure_other_scope_order_succeeds": ("email openid", {"email", "email_verified"}),
}


@pytest.mark.parametrize(("scope", "claims"), SCOPES.values(), ids=SCOPES)
def test_oidcc_scope(suite: Suite, scope: str, claims: set[str]) -> None:
    told = answered(suite.userinfo(suite.tokens(scope=scope)["access_token"]))
    assert {*told} == {"sub", *claims}


UNSUPPORTED = {
    "oidcc_scope_address": "openid address",
    "oidcc_scope_phone": "openid phone",
    "oidcc_scope_all": "openid profile email address phone",
}


@pytest.mark.parametrize("scope", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_oidcc_scope_that_is_not_served_is_left_out(suite: Suite, scope: str) -> None:
    body = suite.tokens(scope=scope)
    assert {*body["scope"].split()} == {*scope.split()} - {"address", "phone"}
    supported = answered(suite.browser.get("/.well-known/openid-configuration"))["scopes_supported"]
    assert not {"address", "phone"} & {*supported}


IGNORED = {
    "oidcc_display_page": {"display": "page"},
    "oidcc_display_popup": {"display": "popup"},
    "oidcc_ensure_request_with_unknown_parameter_succeeds": {"extra": "foobar"},
    "oidcc_ui_locales": {"ui_locales": "se sv"},
    "oidcc_claims_locales": {"claims_locales": "se sv"},
    "oidcc_ensure_request_with_acr_values_succeeds": {"acr_values": "1 2"},
    "oidcc_claims_essential": {"claims": '{"userinfo": {"name": {"essential": true}}}'},
}


@pytest.mark.parametrize("extra", IGNORED.values(), ids=IGNORED)
def test_oidcc_parameter_that_is_optional_is_no_error(suite: Suite, extra: dict[str, str]) -> None:
    assert suite.id_token(suite.tokens(**extra)["id_token"])["sub"] == "1"


def test_oidcc_prompt_login(suite: Suite, clock: FixedClock) -> None:
    first = suite.id_token(suite.tokens()["id_token"])
    assert_asks_again(suite, clock, first["auth_time"], prompt="login")


def test_oidcc_max_age_1(suite: Suite, clock: FixedClock) -> None:
    first = suite.id_token(suite.tokens()["id_token"])
    clock.advance(2)
    assert_asks_again(suite, clock, first["auth_time"], max_age="1")


def assert_asks_again(suite: Suite, clock: FixedClock, before: int, **changes: str) -> None:
    clock.advance(1)
    query = suite_query(**changes)
    ticket = opened(suite.browser, query)
    assert asked(suite.browser, query, suite.access, ticket=ticket)["status"] == "reauth"
    clock.advance(1)
    newly = login(suite.browser).get_json()["access_token"]
    code = suite.answer(query, newly, ticket)["code"]
    claims = suite.id_token(answered(suite.redeem(code))["id_token"])
    assert claims["auth_time"] == int(clock.now().timestamp()) > before
    assert claims["sub"] == "1"


def test_oidcc_max_age_10000(suite: Suite, clock: FixedClock) -> None:
    first = suite.id_token(suite.tokens(max_age="15000")["id_token"])
    clock.advance(2)
    code = silent(suite, max_age="10000")["code"]
    second = suite.id_token(answered(suite.redeem(code))["id_token"])
    assert second["auth_time"] == first["auth_time"]
    assert second["sub"] == first["sub"]


def test_oidcc_prompt_none_not_logged_in(app: Flask, suite: Suite) -> None:
    answer = sent(asked(app.test_client(), suite_query(prompt="none")))
    assert answer["error"] == "login_required"
    assert "code" not in answer


def test_oidcc_prompt_none_logged_in(suite: Suite, clock: FixedClock) -> None:
    first = suite.id_token(suite.tokens()["id_token"])
    clock.advance(2)
    second = suite.id_token(answered(suite.redeem(silent(suite)["code"]))["id_token"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_id_token_hint(suite: Suite) -> None:
    hint = suite.tokens()["id_token"]
    second = answered(suite.redeem(silent(suite, id_token_hint=hint)["code"]))["id_token"]
    assert suite.id_token(second)["sub"] == suite.id_token(hint)["sub"]


def test_oidcc_login_hint(app: Flask, suite: Suite) -> None:
    hint = "ada@example.com"
    assert asked(app.test_client(), suite_query(login_hint=hint))["login_hint"] == hint
    assert suite.tokens(login_hint=hint)


@pytest.mark.parametrize("seconds", [0, 30], ids=["oidcc_codereuse", "oidcc_codereuse_30seconds"])
def test_oidcc_codereuse(suite: Suite, clock: FixedClock, seconds: int) -> None:
    code = suite.code()
    access = answered(suite.redeem(code))["access_token"]
    clock.advance(seconds)
    assert refused(suite.redeem(code))[:2] == (400, "invalid_grant")
    assert suite.userinfo(access).status_code == 401


def test_oidcc_response_type_missing(suite: Suite) -> None:
    answer = suite.browser.get(f"/oauth/authorize?{suite_query(response_type=None)}", headers=BROWSES)
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, REDIRECT)
    assert parameters_of(answer.location)["error"] in {"unsupported_response_type", "invalid_request"}


def test_oidcc_ensure_registered_redirect_uri(suite: Suite) -> None:
    query = suite_query(redirect_uri=f"{REDIRECT}/random")
    answer = suite.browser.get(f"/oauth/authorize?{query}", headers=BROWSES)
    assert (answer.status_code, answer.headers.get("Location"), answer.mimetype) == (400, None, "text/html")


def test_oidcc_ensure_post_request_succeeds(suite: Suite) -> None:
    query = suite_query()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = suite.browser.post("/oauth/authorize", data=query, headers=headers)
    assert answer.status_code == 303
    followed = answer.location.partition("/oauth/authorize?")[2]
    assert suite.id_token(answered(suite.redeem(suite.answer(followed)["code"]))["id_token"])


def test_oidcc_server_client_secret_post(app: Flask, suite: Suite) -> None:
    form = {"grant_type": "authorization_code", "code": suite.code(), "redirect_uri": REDIRECT}
    form |= {"client_id": "app", "client_secret": SECRET}
    assert suite.id_token(answered(app.test_client().post("/oauth/token", data=form))["id_token"])


OBJECTS = {
    "oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported": (
        {"request": request_object(client_id="app", nonce="another")},
        "request_not_supported",
    ),
    "oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported": (
        {"request_uri": "https://app.example.com/requests/1"},
        "request_uri_not_supported",
    ),
}


@pytest.mark.parametrize(("extra", "error"), OBJECTS.values(), ids=OBJECTS)
def test_oidcc_request_object_is_rejected_as_unsupported(
    suite: Suite, extra: dict[str, str], error: str
) -> None:
    answer = suite.browser.get(f"/oauth/authorize?{suite_query(**extra)}", headers=BROWSES)
    assert parameters_of(answer.location)["error"] == error


def test_oidcc_ensure_request_object_with_redirect_uri(suite: Suite) -> None:
    """The address of a request object never counts: with another one beside it the error stays here."""
    given: dict[str, Any] = {"request": request_object(redirect_uri=REDIRECT)}
    for wrong in (f"{REDIRECT}/random", None):
        query = suite_query(**given, redirect_uri=wrong)
        answer = suite.browser.get(f"/oauth/authorize?{query}", headers=BROWSES)
        assert (answer.status_code, answer.headers.get("Location")) == (400, None)


def test_oidcc_idtoken_unsigned(suite: Suite) -> None:
    supported = answered(suite.browser.get("/.well-known/openid-configuration"))
    assert "none" not in supported["id_token_signing_alg_values_supported"]


def test_oidcc_refresh_token(suite: Suite, clock: FixedClock) -> None:
    body = suite.tokens(scope="openid offline_access", prompt="consent")
    first = suite.id_token(body["id_token"])
    clock.advance(2)
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert refused(replace(suite, client_id="other").token_call(**form))[:2] == (400, "invalid_grant")
    again = answered(suite.token_call(**form))
    second = suite.id_token(again["id_token"], nonce=None) if "id_token" in again else first
    assert {name: second[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: first[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    assert second["iat"] > first["iat"]
    assert "azp" not in {*first, *second}
    assert again["access_token"] != body["access_token"]
    assert suite.userinfo(again["access_token"]).status_code == 200


def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: Suite) -> None:
    code = suite.code(code_challenge=CHALLENGE, code_challenge_method="S256")
    assert suite.id_token(answered(suite.redeem(code, code_verifier=VERIFIER))["id_token"])
