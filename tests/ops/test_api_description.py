"""The OpenAPI description: valid, complete, and consistent with the responses."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from typing_extensions import TypedDict

from app import VERSION, create_app
from models import db
from ops.openapi import describe
from tests.support.memory_apps import memory_app
from tests.support.service import signed_in
from utils.web.http import answers

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    with memory_app() as app:
        yield app


@pytest.fixture(scope="module")
def description(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def contents(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the JSON content of every response."""
    return [
        (f"{method} {path} {status}", answer["content"]["application/json"])
        for path, method, operation in operations(description)
        for status, answer in operation["responses"].items()
        if "content" in answer
    ]


def faults(description: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = schema | {"components": description["components"]}
    checker = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [fault.message for fault in checker.iter_errors(value)]


def test_the_description_is_valid_openapi(description: dict[str, Any]) -> None:
    validate(description, cls=OpenAPIV31SpecValidator)


NOT_DESCRIBED = {"ops.metrics", "oauth.authorize", "oauth.logout_page"}


def test_every_route_is_described(app: Flask, description: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        # Pages and metrics are not part of the JSON API.
        if not rule.endpoint.startswith(("api_page.", "pages.")) and rule.endpoint not in NOT_DESCRIBED
    }
    assert {(path, method) for path, method, _ in operations(description)} == routes


def test_undescribed_route_is_detected() -> None:
    with memory_app() as app:
        app.add_url_rule("/secret", view_func=lambda: "")
        with pytest.raises(AssertionError):
            test_every_route_is_described(app, describe(app, VERSION))


def test_every_operation_has_a_summary_and_a_unique_id(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(set(names)) == len(names)
    for _, _, operation in operations(description):
        assert operation["summary"]
        assert operation["tags"]


def test_every_example_is_valid(description: dict[str, Any]) -> None:
    checked = 0
    for place, content in contents(description):
        examples = [example["value"] for example in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        assert examples, place
        for example in examples:
            assert faults(description, content["schema"], example) == [], place
            checked += 1
    assert checked > 40


def test_request_examples_are_valid_and_can_register_and_log_in(description: dict[str, Any]) -> None:
    bodies = [
        operation["requestBody"] for *_, operation in operations(description) if "requestBody" in operation
    ]
    schemas = [content["schema"] for body in bodies for content in body["content"].values()]
    for schema in schemas:
        resolved = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert resolved["examples"]
        for example in resolved["examples"]:
            assert faults(description, schema, example) == []
    with memory_app() as app:
        registration = description["components"]["schemas"]["Registration"]["examples"][0]
        credentials = description["components"]["schemas"]["Credentials"]["examples"][0]
        assert app.test_client().post("/auth/register", json=registration).status_code == 201
        assert app.test_client().post("/auth/login", json=credentials).status_code == 200


class Report(TypedDict):
    id: int
    title: str | None
    pages: list[int]
    shares: dict[str, float]


def test_response_without_examples_gets_a_generated_one() -> None:
    with memory_app() as app:

        @app.get("/report")
        @answers(200, Report)
        def report() -> Any:
            """A report."""

        described = describe(app, VERSION)
    content = described["paths"]["/report"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["example"] == {"id": 1, "title": "text", "pages": [1], "shares": {}}
    assert faults(described, content["schema"], content["example"]) == []


def test_guarded_routes_declare_bearer_security(description: dict[str, Any]) -> None:
    guarded = {(path, method) for path, method, operation in operations(description) if operation["security"]}
    assert ("/auth/me", "get") in guarded
    assert ("/auth/login", "post") not in guarded
    for path, method, operation in operations(description):
        refusals = operation["responses"].get("401", {"content": {}})["content"]
        told = "'token_invalid'" in str(refusals)
        assert told == ((path, method) in guarded), path


def test_invalid_example_is_detected(description: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/OneUser"}
    assert faults(description, schema, {"user": {"id": "1"}})
    assert faults(description, {"$ref": "#/components/schemas/Error"}, {"code": "x"})


served = create_app("testing")
described = schemathesis.openapi.from_wsgi("/openapi.json", served, config=SchemathesisConfig(seed=1))
schema = described.exclude(path="/health/ready")  # a database made without migrations is never ready


@pytest.fixture(scope="module")
def token() -> Iterator[str]:
    with served.app_context():
        db.create_all()
    yield str(signed_in(served.test_client())["access_token"])
    with served.app_context():
        db.engine.dispose()


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_responses_conform_to_the_description(case: Any, token: str) -> None:
    guarded = bool(case.operation.definition.raw.get("security"))
    headers = {"Authorization": f"Bearer {token}"} if guarded else None
    case.call_and_validate(headers=headers, checks=CHECKS)
