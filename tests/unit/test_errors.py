"""One error shape for every failure, and stable error codes."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.test import TestResponse

import auth.api_tokens.errors
import auth.errors  # noqa: F401  (its refusals must exist before they are counted)
import utils.limits.ceilings  # noqa: F401  (its refusal as well)
from ops.openapi import documented_routes
from ops.openapi_errors import errors_of
from tests.support.architecture import ROOT
from tests.support.memory_apps import memory_app
from tests.support.provider_codes import OF_PROVIDER
from tests.support.service import PASSWORD, CountingHasher, bearer, register, signed_in
from utils.errors import error_classes

# Published: lines may be added, never changed or removed.
PUBLISHED = OF_PROVIDER | {
    "account_taken": 409,
    "account_disabled": 409,
    "bad_request": 400,
    "built_in_role": 409,
    "busy": 503,
    "conflict": 409,
    "cross_site_refused": 403,
    "email_not_verified": 403,
    "last_administrator": 409,
    "no_address": 409,
    "not_yourself": 409,
    "permission_invalid": 400,
    "permission_missing": 403,
    "role_in_use": 409,
    "role_name_invalid": 400,
    "role_not_found": 404,
    "second_factor_setup_required": 403,
    "email_taken": 409,
    "forbidden": 403,
    "gone": 410,
    "internal_error": 500,
    "invalid_credentials": 401,
    "json_invalid": 400,
    "method_not_allowed": 405,
    "missing_fields": 400,
    "no_input": 400,
    "not_found": 404,
    "password_contains_context": 400,
    "password_leaked": 400,
    "password_unchanged": 400,
    "password_too_common": 400,
    "password_too_short": 400,
    "export_running": 429,
    "export_too_large": 507,
    "payload_too_large": 413,
    "rate_limited": 429,
    "reauth_required": 403,
    "refresh_token_expired": 401,
    "refresh_token_invalid": 401,
    "refresh_token_missing": 401,
    "refresh_token_reused": 401,
    "second_factor_required": 401,
    "challenge_invalid": 401,
    "challenge_expired": 401,
    "second_factor_invalid": 401,
    "too_many_permissions": 409,
    "too_many_roles": 409,
    "wrong_code": 403,
    "challenge_required": 429,
    "totp_blocked": 403,
    "totp_enabled": 409,
    "passkey_invalid": 401,
    "passkey_refused": 400,
    "passkey_not_found": 404,
    "passkey_taken": 409,
    "too_many_passkeys": 409,
    "last_way_in": 409,
    "no_password": 409,
    "no_passkeys": 409,
    "no_factors_reset": 409,
    "totp_not_begun": 409,
    "two_factor_off": 409,
    "session_not_found": 404,
    "session_required": 403,
    "token_expired": 410,
    "token_invalid": 401,
    "token_malformed": 401,
    "token_missing": 401,
    "token_unknown": 404,
    "token_used": 410,
    "unauthorized": 401,
    "unavailable": 503,
    "unsupported_media_type": 415,
    "user_not_found": 404,
    "username_taken": 409,
    "too_many_usernames": 409,
    "validation_failed": 400,
    "wrong_current_password": 403,
    "api_token_name_taken": 409,
    "api_token_not_found": 404,
    "api_tokens_off": 403,
    "too_many_api_tokens": 409,
    "ambiguous_login": 409,
    "too_many_holders": 409,
}

# Clients and resources of the provider.
PUBLISHED |= {
    "oauth_invalid_client": 401,
    "oauth_credentials_twice": 400,
    "client_not_found": 404,
    "client_name_taken": 409,
    "client_invalid": 400,
    "too_many_clients": 409,
    "resource_not_found": 404,
    "resource_taken": 409,
}


class Broken:
    """A hasher that raises the given exception."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def hash(self, *_: str) -> str:
        raise self.failure


@pytest.fixture
def memory() -> Iterator[Flask]:
    with memory_app() as app:
        yield app


def assert_shape(answer: TestResponse, status: int, code: str) -> None:
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert set(body) - {"fields"} == {"code", "message", "request_id"}
    assert answer.content_type == "application/json"
    assert body["message"]
    assert re.fullmatch("[0-9a-f]{16}", body["request_id"])
    assert answer.headers["X-Request-Id"] == body["request_id"]
    assert isinstance(body.get("fields", {}), dict)


def test_published_codes_never_change() -> None:
    assert {error.code: error.status for error in error_classes()} == PUBLISHED


def test_no_two_errors_share_a_code() -> None:
    classes = [error for error in error_classes() if "code" in vars(error)]  # others only serve as a base
    assert len({error.code for error in classes}) == len(classes)


def test_every_code_is_documented_with_its_status() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    table = re.findall(r"^\| `(\w+)` \| (\d+) \| ([^|]{10,}) \| ([^|]{5,}) \|$", text, re.MULTILINE)
    assert {code: int(status) for code, status, *_ in table} == PUBLISHED
    assert len(table) == len(PUBLISHED)


def test_error_tree_docstring_names_every_general_error() -> None:
    tree = (ROOT / "utils" / "errors.py").read_text("utf-8").split('"""')[1]
    names = {error.__name__ for error in error_classes() if error.__module__ == "utils.errors"}
    assert names <= set(re.findall(r"\w+", tree))


def test_documented_route_errors_are_published_codes(memory: Flask) -> None:
    told = [error.code for _, _, told in documented_routes(memory) for error in errors_of(told)]
    assert set(told) <= set(PUBLISHED)
    assert {"invalid_credentials", "session_required", "not_found", "rate_limited", "busy"} <= set(told)


def test_every_kind_of_failure_has_the_error_shape(memory: Flask) -> None:
    client = memory.test_client()
    tokens = signed_in(client)
    post, json = client.post, {"content_type": "application/json"}
    assert_shape(client.get("/nowhere"), 404, "not_found")
    assert_shape(client.get("/auth/login"), 405, "method_not_allowed")
    assert_shape(client.open("/auth/login", method="TRACE"), 405, "method_not_allowed")
    assert_shape(post("/auth/login"), 400, "no_input")
    assert_shape(post("/auth/login", json={"username": "x"}), 400, "missing_fields")
    assert_shape(post("/auth/login", data="{", **json), 400, "json_invalid")
    assert_shape(post("/auth/login", json={"username": 1, "password": "x"}), 400, "validation_failed")
    assert_shape(register(client, "bob", password="short"), 400, "password_too_short")
    assert_shape(register(client), 409, "username_taken")
    assert_shape(register(client, "bob", email="ADA@example.com"), 409, "email_taken")
    assert_shape(post("/auth/login", data="x", content_type="text/plain"), 415, "unsupported_media_type")
    assert_shape(post("/auth/login", data=b" " * 65537, **json), 413, "payload_too_large")
    assert_shape(post("/auth/login", json={"username": "x", "password": "x"}), 401, "invalid_credentials")
    assert_shape(client.get("/auth/me"), 401, "token_missing")
    assert_shape(client.get("/auth/me", headers={"Authorization": "x"}), 401, "token_malformed")
    assert_shape(client.get("/auth/me", headers=bearer("x")), 401, "token_invalid")
    cookie = {"username": "ada", "password": PASSWORD, "token_delivery": "cookie"}
    assert_shape(post("/auth/login", json=cookie), 403, "cross_site_refused")
    gone = "/auth/sessions/0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"
    assert_shape(client.delete(gone, headers=bearer(tokens["access_token"])), 404, "session_not_found")
    assert_shape(client.delete("/auth/sessions/1"), 404, "not_found")


def test_405_response_has_the_allow_header(memory: Flask) -> None:
    allowed = memory.test_client().put("/auth/login").headers["Allow"]
    assert set(allowed.split(", ")) == {"OPTIONS", "POST"}


def test_all_invalid_fields_are_reported_at_once(memory: Flask) -> None:
    answer = register(memory.test_client(), "a@b", email="nowhere", password="short")
    assert_shape(answer, 400, "password_too_short")
    assert set(answer.get_json()["fields"]) == {"username", "email", "password"}
    answer = memory.test_client().post("/auth/register", json={"email": "nowhere"})
    assert_shape(answer, 400, "missing_fields")
    assert set(answer.get_json()["fields"]) == {"username", "email", "password"}


@pytest.mark.provokes_errors
def test_unexpected_exception_does_not_reveal_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    with memory_app(hasher=Broken(RuntimeError(f"it was {PASSWORD}"))) as app:
        answer = register(app.test_client())
    assert_shape(answer, 500, "internal_error")
    assert PASSWORD not in answer.get_data(as_text=True)
    assert "Broken" not in answer.get_data(as_text=True)
    record = next(r for r in caplog.records if r.getMessage() == "unexpected error")
    assert PASSWORD not in str(record.__dict__)
    assert "test_errors.py" in str(record.__dict__["trace"])


@pytest.mark.provokes_errors
@pytest.mark.parametrize(
    "failure",
    [OperationalError(f"SELECT '{PASSWORD}'", {}, Exception("could not connect")), PoolTimeout()],
    ids=["away", "busy"],
)
def test_unavailable_database_is_a_503(failure: Exception) -> None:
    with memory_app(hasher=Broken(failure)) as app:
        answer = register(app.test_client())
    assert_shape(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert PASSWORD not in answer.get_data(as_text=True)


def test_request_ids_are_generated_and_unique(memory: Flask) -> None:
    client = memory.test_client()
    answers = [client.get("/nowhere", headers={"X-Request-Id": "chosen"}) for _ in range(20)]
    assert len({answer.headers["X-Request-Id"] for answer in answers} - {"chosen"}) == 20


def test_validation_refusal_computes_no_hash() -> None:
    with memory_app() as app:
        counting = CountingHasher(app.extensions["auth_services"].hasher)
    with memory_app(hasher=counting) as app:
        register(app.test_client(), password="short")
        register(app.test_client(), password="x" * 257)
        app.test_client().post("/auth/login", json={"username": "ada", "password": "x" * 257})
    assert counting.calls == 0
