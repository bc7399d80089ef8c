"""Calls of clients at the edge: hostile input, two ways to authenticate, CORS, limits, metrics."""

import base64

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.oauth import REDIRECT, SECRET, client_row
from tests.support.oauth_tokens import call, code_of, got, reasons, redeem, refresh_app, refused, userinfo
from tests.support.service import FixedClock
from tests.support.small_limits import limits

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/userinfo")
HOSTILE = [
    b"",
    b"&",
    b"=",
    b"%",
    b"%00=%00",
    b"\xff\xfe",
    b"grant_type=%ff",
    b"grant_type=authorization_code&code=%ed%a0%80",
    b"grant_type=%00&client_id=%00",
    b"client_id=app&client_secret=" + b"x" * 8000,
    b"a=b&" * 65,
    b"client_id=app&client_id=app",
    b"token=" + b"%F0%9F%98%80" * 500,
    b"access_token=" + b"A" * 9000,
    b"refresh_token=" + b"A" * 76 + b"&grant_type=refresh_token",
    b'{"grant_type": "authorization_code"}',
    b"grant_type=authorization_code;client_id=app",
    b"scope=" + b"+" * 1000,
]


@pytest.fixture
def registered(app: Flask) -> None:
    client_row(app)


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.usefixtures("registered")
def test_hostile_form_is_a_refusal_with_both_shapes(client: FlaskClient, body: bytes) -> None:
    for path in PATHS:
        answer = client.post(path, data=body, headers=FORM)
        found = answer.get_json()
        assert 400 <= answer.status_code < 500
        assert found.keys() >= {"error", "error_description", "code", "message", "request_id"}
        assert not set(found["error_description"]) & set('"\\\n')


@pytest.mark.usefixtures("registered")
def test_body_over_16_kib_or_of_another_type_is_refused(client: FlaskClient) -> None:
    for path in PATHS:
        large = client.post(path, data=b"x=" + b"x" * 16_383, headers=FORM)
        assert refused(large) == (413, "invalid_request", "payload_too_large")
        fits = client.post(path, data=b"x=" + b"x" * 16_382, headers=FORM)
        assert fits.status_code in {400, 401}
        json = client.post(path, json={"grant_type": "refresh_token"})
        assert refused(json) == (415, "invalid_request", "unsupported_media_type")


def test_parameter_that_is_sent_twice_is_refused_and_changes_nothing(app: Flask) -> None:
    client_row(app)
    code = code_of(app)
    answer = redeem(app, code, redirect_uri=[REDIRECT, REDIRECT])
    assert refused(answer) == (400, "invalid_request", "oauth_form_parameter_repeated")
    assert refused(redeem(app, code, unknown=["1", "1"]))[2] == "oauth_form_parameter_repeated"
    assert reasons(app) == {"parameter_repeated"}
    assert redeem(app, code, unknown="1").status_code == 200


def test_parameters_in_the_address_are_not_read(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    token = got(app)["refresh_token"]
    query = f"grant_type=refresh_token&refresh_token={token}&client_id=app&client_secret={SECRET}"
    assert refused(client.post(f"/oauth/token?{query}"))[0] == 401
    assert refused(call(app, "token?grant_type=refresh_token", refresh_token=token))[0] == 400


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


HEADERS = [
    "",
    "Basic",
    "Basic ",
    "Basic =",
    "Basic !!!!",
    "Bearer x",
    "Negotiate x",
    "Basic YQ",
    "Digest a=b",
]
HEADERS += [
    basic(text) for text in ("", ":", "app", "app:", f":{SECRET}", f"app:{SECRET}x", "app:%ff", "%:%")
]
HEADERS += [
    f"Basic {basic(f'app:{SECRET}')}",
    basic(f"app:{SECRET}") + "\t",
    basic("app:x") + "," + basic("a"),
]
HEADERS += ["Basic " + "A" * size for size in range(1, 60)]
HEADERS += [f"{basic(f'app:{SECRET}')[:size]}" for size in range(6, 40)]
HEADERS += ["Basic " + base64.b64encode(bytes([byte]) * 8).decode() for byte in range(0, 256, 3)]


@pytest.mark.usefixtures("registered")
def test_fault_36_hostile_authorization_headers_are_a_401(client: FlaskClient) -> None:
    for header in HEADERS:
        form = {"grant_type": "authorization_code", "code": "x"}
        answer = client.post("/oauth/token", data=form, headers={"Authorization": header})
        assert refused(answer)[:2] == (401, "invalid_client"), header
    assert len(HEADERS) >= 190


@pytest.mark.usefixtures("registered")
def test_fault_37_two_ways_to_authenticate_or_two_ids_are_refused(client: FlaskClient) -> None:
    header = {"Authorization": basic(f"app:{SECRET}")}
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    for more in (
        {"client_secret": SECRET},
        {"client_id": "other"},
        {"client_id": "app", "client_secret": "x"},
    ):
        answer = client.post("/oauth/token", data=form | more, headers=header)
        assert refused(answer)[:2] == (400, "invalid_request")


ORIGIN = {"Origin": "https://elsewhere.example"}


@pytest.mark.parametrize("listed", ["", "https://app.example.com"])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/userinfo", "/oauth/revoke"])
def test_pages_of_every_origin_may_call_without_cookies(make_app: AppFactory, path: str, listed: str) -> None:
    client = make_app({"CORS_ORIGINS": listed}).test_client()
    for origin in (ORIGIN, {"Origin": "https://app.example.com"}):
        answer = client.post(path, headers=origin)
        assert answer.status_code in {400, 401}
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = client.options(path, headers=origin | asked)
        assert preflight.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        for each in (answer, preflight):
            assert "Access-Control-Allow-Credentials" not in each.headers


def test_introspection_allows_no_other_origin(client: FlaskClient) -> None:
    answer = client.post("/oauth/introspect", headers=ORIGIN)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_refused_calls_of_a_network_do_not_keep_out_its_clients(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(limiter=limits(clock, token_failures=3, token=5))
    client_row(app)
    token = got(app)["refresh_token"]
    answers = [refused(call(app, "token", client_secret="wrong")) for _ in range(4)]
    assert answers[:3] == [(401, "invalid_client", "oauth_invalid_client")] * 3
    assert answers[3] == (429, "temporarily_unavailable", "rate_limited")
    assert refresh_app(app, token).status_code == 200


@pytest.mark.parametrize("path", ["introspect", "revocations"])
def test_refused_calls_of_resources_count_as_failures_and_public_clients_are_refused(
    make_app: AppFactory, clock: FixedClock, path: str
) -> None:
    app = make_app(limiter=limits(clock, token_failures=3))
    client_row(app, "api", kind="resource")
    client_row(app, "page", kind="spa")

    def asked(client_id: str, secret: str) -> tuple[int, str, str]:
        pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        method, data = ("POST", {"token": "x"}) if path == "introspect" else ("GET", None)
        headers = {"Authorization": f"Basic {pair}"}
        return refused(app.test_client().open(f"/oauth/{path}", method=method, headers=headers, data=data))

    assert asked("page", "")[0] in {401, 403}
    assert [asked("api", "wrong")[0] for _ in range(3)] == [401, 401, 429]
    assert asked("api", SECRET)[0] == 200


def test_calls_of_a_client_count_apart_from_those_of_another(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, token=2))
    client_row(app)
    client_row(app, "other")
    token = got(app)["refresh_token"]
    assert refresh_app(app, token).status_code == 200
    assert refresh_app(app, token).status_code == 429
    answer = call(app, "token", client_id="other", grant_type="refresh_token", refresh_token=token)
    assert refused(answer)[1] == "invalid_grant"


def test_userinfo_is_limited_by_network(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, userinfo=2))
    client_row(app)
    token, client = got(app)["access_token"], app.test_client()
    assert [userinfo(client, token).status_code for _ in range(3)] == [200, 200, 429]


def test_metrics_count_calls_by_grant_and_outcome_and_refusals_by_reason(app: Flask) -> None:
    client_row(app)
    refresh_app(app, got(app)["refresh_token"])
    refresh_app(app, "x")
    call(app, "token", grant_type="password")
    call(app, "token", grant_type="authorization_code", client_secret="wrong")
    text = app.extensions["auth_services"].metrics.exposition().decode()
    for line in (
        'auth_client_tokens_total{grant="authorization_code",outcome="issued"} 1.0',
        'auth_client_tokens_total{grant="authorization_code",outcome="invalid_client"} 1.0',
        'auth_client_tokens_total{grant="refresh_token",outcome="issued"} 1.0',
        'auth_client_tokens_total{grant="refresh_token",outcome="invalid_grant"} 1.0',
        'auth_client_tokens_total{grant="other",outcome="unsupported_grant_type"} 1.0',
        'auth_client_refusals_total{reason="refresh_unknown"} 1.0',
        'auth_client_refusals_total{reason="secret_wrong"} 1.0',
    ):
        assert line in text
