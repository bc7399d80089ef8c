"""The API description for programs that are generated from it: fields, errors, parameters and tags."""

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel
from typing_extensions import TypedDict

from app import VERSION
from ops.openapi import capability, describe, documented_routes
from ops.openapi_errors import errors_of
from ops.openapi_schemas import Schemas, add, request_schema
from tests.support.architecture import ROOT
from tests.support.documents import code_in, read, table_rows
from tests.support.memory_apps import memory_app
from utils.errors import ApiError
from utils.web.http import answers

Json = dict[str, Any]
DOCUMENTED = {
    code_in(row[0])[0]: row for row in table_rows(read("docs/reference/errors.md"), "code", "status")
}
# What no call of the API answers: commands (those about clients, too), `abort` in a blueprint, other methods.
ELSEWHERE = (
    "command line only",
    "Only from `abort",
    "method_not_allowed",
    "client",
    "resource",
    "not_yourself",
)


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    with memory_app() as app:
        yield app


@pytest.fixture(scope="module")
def description(app: Flask) -> Json:
    return describe(app, VERSION)


def operations(description: Json) -> dict[str, Json]:
    """Return every operation by its id."""
    methods = [each for path in description["paths"].values() for each in path.values()]
    return {operation["operationId"]: operation for operation in methods}


def resolved(schema: Json, description: Json) -> list[Json]:
    """Return the kinds of object that a schema allows, each with the properties of all its parts."""
    if "$ref" in schema:
        return resolved(description["components"]["schemas"][schema["$ref"].rpartition("/")[2]], description)
    if "oneOf" in schema:
        return [kind for one in schema["oneOf"] for kind in resolved(one, description)]
    if "allOf" in schema:
        parts = [part for one in schema["allOf"] for part in resolved(one, description)]
        properties = {name: value for part in parts for name, value in part["properties"].items()}
        required = {name for part in parts for name in part["required"]}
        return [{"properties": properties, "required": required}]
    return [schema]


def refusals(description: Json) -> Iterator[tuple[str, str, list[Json]]]:
    """Yield the id of each operation with each status of its errors, and the kinds of these."""
    for name, operation in operations(description).items():
        for status, answer in operation["responses"].items():
            if status >= "400":
                schema = answer["content"]["application/json"]["schema"]
                yield name, status, resolved(schema, description)


def codes(kinds: list[Json]) -> list[str]:
    return sorted(code for kind in kinds for code in kind["properties"]["code"]["enum"])


def test_code_of_each_answer_is_an_enum_of_the_errors_of_its_route(app: Flask, description: Json) -> None:
    declared: dict[tuple[str, str], list[str]] = {}
    for rule, _, docs in documented_routes(app):
        for error in errors_of(docs):
            name = rule.endpoint.replace(".", "_"), str(error.status)
            declared.setdefault(name, []).append(error.code)
    told = {(name, status): codes(kinds) for name, status, kinds in refusals(description)}
    assert told == {place: sorted(found) for place, found in declared.items()}


def test_codes_of_the_answers_are_those_of_the_documentation(description: Json) -> None:
    told = {(code, status) for _, status, kinds in refusals(description) for code in codes(kinds)}
    assert [pair for pair in told if DOCUMENTED[pair[0]][1] != pair[1]] == []
    unused = {code for code in DOCUMENTED if code not in {code for code, _ in told}}
    # The provider has pages and redirects for the others.
    rows = {code: " ".join(DOCUMENTED[code]) for code in unused if not code.startswith("oauth_")}
    assert [code for code, row in rows.items() if not any(word in row for word in ELSEWHERE)] == []


def test_error_with_further_members_has_a_schema_of_them(app: Flask) -> None:
    """An error that sets `extra` describes it, so that generated clients have these members."""
    used = {error for _, _, docs in documented_routes(app) for error in errors_of(docs)}
    with_extra = {
        error
        for error in used
        for kind in error.__mro__
        if kind is not ApiError and issubclass(kind, ApiError) and "self.extra = " in _initializer(kind)
    }
    assert {error.code for error in with_extra} >= {"second_factor_required", "reauth_required"}
    assert [error.code for error in with_extra if error.members is None] == []


def _initializer(kind: type) -> str:
    own = vars(kind).get("__init__")
    return inspect.getsource(own) if own else ""


@pytest.mark.parametrize(
    ("name", "status", "code", "members", "required"),
    [
        (
            "auth_login",
            "401",
            "second_factor_required",
            {"challenge_token", "methods", "expires_in", "passkey_options"},
            {"methods", "expires_in"},
        ),
        ("auth_change_email", "403", "reauth_required", {"by_factor"}, set()),
        ("auth_create_api_token", "409", "too_many_api_tokens", {"limit"}, {"limit"}),
        ("auth_register", "429", "challenge_required", {"challenge"}, {"challenge"}),
        ("oauth_token", "401", "oauth_invalid_client", {"error", "error_description"}, {"error"}),
    ],
)
def test_further_members_stand_beside_their_code(
    description: Json, name: str, status: str, code: str, members: set[str], required: set[str]
) -> None:
    ((_, _, kinds),) = [each for each in refusals(description) if each[:2] == (name, status)]
    (kind,) = [kind for kind in kinds if code in kind["properties"]["code"]["enum"]]
    assert members <= set(kind["properties"])
    assert required <= set(kind["required"])
    assert all(members.isdisjoint(other["properties"]) for other in kinds if other is not kind)


def requested(description: Json) -> Iterator[Json]:
    """Yield the schema of each request body."""
    for operation in operations(description).values():
        for content in operation.get("requestBody", {"content": {}})["content"].values():
            yield from resolved(content["schema"], description)


def test_request_fields_with_a_default_are_optional(description: Json) -> None:
    """A generator makes a field with `default` one that must be sent: the default is told in words."""
    told = 0
    for schema in requested(description):
        for name, field in schema["properties"].items():
            assert "default" not in field, name
            told += "Default: " in field.get("description", "")
    assert told >= 10
    (login,) = resolved({"$ref": "#/components/schemas/Credentials"}, description)
    assert set(login["required"]) == {"password"}


def test_default_of_a_request_field_is_told_in_words() -> None:
    class Wanted(BaseModel):
        """A body."""

        remember: bool = False
        name: str | None = None
        kind: str

    schemas: Schemas = {}
    request_schema(Wanted, schemas)
    assert schemas["Wanted"]["required"] == ["kind"]
    assert schemas["Wanted"]["properties"]["remember"]["description"] == "Default: false."
    assert "description" not in schemas["Wanted"]["properties"]["name"]


def test_two_schemas_of_one_name_are_refused() -> None:
    schemas: Schemas = {}
    assert add(schemas, "Page", {"type": "object"}) == add(schemas, "Page", {"type": "object"})
    with pytest.raises(ValueError, match="Page"):
        add(schemas, "Page", {"type": "string"})


HEADER = "X-Device-Token"
READERS = {"device_token", "of_earlier_access", "choose"}  # of `auth/cookies.py`


def reading_views() -> set[str]:
    """Return the views whose code, or a function of the same module that they call, reads a device token."""
    found = set()
    for path in sorted((ROOT / "auth").glob("*/routes.py")):
        functions = [
            node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
        ]
        reading = {each.name for each in functions if READERS & _called(each)}
        found |= {each.name for each in functions if (READERS | reading) & _called(each)}
    return {name for name in found if not name.startswith("_")}


def _called(function: ast.FunctionDef) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {node.id for node in calls if isinstance(node, ast.Name)} | {
        node.attr for node in calls if isinstance(node, ast.Attribute)
    }


def test_device_token_is_a_parameter_of_each_call_that_reads_it(description: Json) -> None:
    told = {
        name.removeprefix("auth_")
        for name, operation in operations(description).items()
        if HEADER in [each["name"] for each in operation.get("parameters", []) if each["in"] == "header"]
    }
    assert {"login", "complete_login", "reauth", "disown"} <= told
    assert told == reading_views()


def test_each_operation_has_the_tag_of_its_capability(description: Json) -> None:
    known = {path.parent.name.replace("_", "-") for path in (ROOT / "auth").glob("*/routes.py")}
    known |= {f"oauth-{path.parent.name}" for path in (ROOT / "oauth").glob("*/routes.py")} | {"ops"}
    told = {tag["name"]: tag["description"] for tag in description["tags"]}
    assert set(told) == known
    assert all(told.values())
    used = [operation["tags"] for operation in operations(description).values()]
    assert all(len(tags) == 1 and tags[0] in known for tags in used)
    assert operations(description)["auth_complete_login"]["tags"] == ["login"]


def test_view_of_another_module_has_the_tag_of_its_package() -> None:
    def view() -> None:
        """Answer nothing."""

    view.__module__ = "reports_of_ours.views.monthly"
    assert capability(view) == ("reports-of-ours", "")


class Report(TypedDict):
    id: int


def test_view_of_another_module_is_described() -> None:
    with memory_app() as app:

        @app.get("/report")
        @answers(200, Report)
        def report() -> Any:
            """A report."""

        described = describe(app, VERSION)
    assert described["paths"]["/report"]["get"]["tags"] == ["tests"]
