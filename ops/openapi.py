"""The API description (OpenAPI 3.1), generated from the code.

Paths come from the URL map, request bodies from the pydantic models, responses from the output types and
errors from the error classes.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import TypeAdapter
from werkzeug.routing import Rule

from utils.errors import ApiError, error_classes
from utils.web.http import Documentation, documentation

REF = "#/components/schemas/{model}"
PASSWORD_REFUSALS = [
    "password_too_short",
    "password_too_common",
    "password_contains_context",
    "password_leaked",
]
# What a proxy tells of the request that it holds, where the verify cookie is accepted.
HELD_REQUEST = {
    "X-Original-Method": "The method of the request to the site; needed with the cookie.",
    "X-Original-URL": "The URL of that request.",
    "X-Original-Origin": "The `Origin` that the browser sent; needed with the cookie unless it reads.",
}
ERROR_SCHEMA = {
    "type": "object",
    "required": ["code", "message", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "For programs. A code never changes its meaning."},
        "message": {"type": "string", "description": "For people."},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "The fault of each invalid field, by name.",
        },
        "request_id": {"type": "string", "description": "The id of the request in the log."},
        "error": {"type": "string", "description": "RFC 6749, 5.2; of calls of clients only."},
        "error_description": {"type": "string", "description": "`message` in the characters of RFC 6749."},
    },
}


def describe(app: Flask, version: str) -> dict[str, Any]:
    """Return the OpenAPI document that is served at `/openapi.json`."""
    schemas: dict[str, Any] = {"Error": ERROR_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, docs in documented_routes(app):
        view = app.view_functions[rule.endpoint]
        operation = _operation(rule, view.__doc__ or "", docs, schemas)
        paths.setdefault(_path(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Authentication API",
            "version": version,
            "description": "Accounts, sessions and tokens. Every failure has the one shape `Error`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "api_token": {"type": "http", "scheme": "bearer", "bearerFormat": "auth_pat_..."},
                "verify_cookie": {"type": "apiKey", "in": "cookie", "name": "__Secure-verify"},
            },
        },
    }


def documented_routes(app: Flask) -> Iterator[tuple[Rule, str, Documentation]]:
    """Yield every documented route with each of its methods."""
    for rule in app.url_map.iter_rules():
        docs = documentation(app.view_functions[rule.endpoint])
        if docs.output is None and docs.status == 200:
            continue  # a static file or a page
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, docs


def errors_of(docs: Documentation) -> list[type[ApiError]]:
    """Return the errors of a route: those it declares, and those of its decorators."""
    by_code = {error.code: error for error in error_classes()}
    codes = [*docs.errors]
    if docs.limit:
        codes += ["rate_limited"]
    if docs.guarded:
        codes += ["token_missing", "token_malformed", "token_invalid"]
        codes += [] if docs.scope else ["second_factor_setup_required"]
        codes += [] if docs.permissions else ["session_required"]  # what an API token gets
    if docs.permissions:
        codes += ["permission_missing"]
    if docs.cookie:
        codes += ["cross_site_refused"]
    if docs.body:
        codes += ["json_invalid", "validation_failed", "payload_too_large", "unsupported_media_type"]
        codes += [] if docs.body_optional else ["no_input", "missing_fields"]
        codes += PASSWORD_REFUSALS if _sets_a_password(docs) else []
    if docs.form:
        codes += ["bad_request", "payload_too_large", "unsupported_media_type"]
    if docs.query:
        codes += ["validation_failed"]
    codes += ["internal_error", "unavailable"]
    return [by_code[code] for code in dict.fromkeys(codes)]


def _sets_a_password(docs: Documentation) -> bool:
    schemas: dict[str, Any] = {}
    _body_schema(docs, schemas)
    fields = [field for schema in schemas.values() for field in schema.get("properties", {}).values()]
    return any(field.get("format") == "password" and "minLength" in field for field in fields)


def _operation(rule: Rule, text: str, docs: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, description = text.strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()),
        "tags": [rule.endpoint.partition(".")[0]],
        "security": _security(docs),
        "responses": _responses(docs, schemas),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(rule, name)}
        for name in sorted(rule.arguments)
    ]
    if docs.query:
        fields = TypeAdapter(docs.query).json_schema()["properties"]
        parameters += [{"name": name, "in": "query", "schema": field} for name, field in fields.items()]
    if docs.verify_cookie:
        parameters += [
            {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
            for name, text in HELD_REQUEST.items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if docs.body:
        operation["requestBody"] = {
            "required": not docs.body_optional,
            "content": {"application/json": {"schema": _body_schema(docs, schemas)}},
        }
    if docs.form:
        schema = _schema(docs.form, schemas, mode="validation")
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    return operation


def _security(docs: Documentation) -> list[dict[str, list[str]]]:
    """Return the kinds of tokens that a route accepts, any of them."""
    taken = {"bearer": docs.guarded, "api_token": docs.api_tokens, "verify_cookie": docs.verify_cookie}
    kinds = [name for name, is_taken in taken.items() if is_taken]
    # Anyone may call, and a token that is sent counts.
    by_choice: list[dict[str, list[str]]] = [{}] if "token_invalid" in docs.errors else []
    by_choice += [{name: []} for name in kinds + (["bearer"] if by_choice else [])]
    return by_choice


def _body_schema(docs: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    return _schema(docs.body, schemas, mode="validation")


def _responses(docs: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(docs.status).phrase}
    if docs.output is not None:
        schema = _schema(docs.output, schemas, mode="serialization")
        success["content"] = {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}
    responses = {str(docs.status): success}
    if docs.also:
        status, output = docs.also
        schema = _schema(output, schemas, mode="serialization")
        content = {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    for error in errors_of(docs):
        answer = responses.setdefault(str(error.status), _error_response(error))
        answer["description"] += f"{', ' if ': ' in answer['description'] else ': '}`{error.code}`"
        answer["content"]["application/json"]["examples"][error.code] = {
            "value": {"code": error.code, "message": error.message, "request_id": "5f2b9c0d1e6a7f48"}
        }
    if docs.verify_cookie:
        text = "The login page, if a person may log in there and come back."
        responses["401"]["headers"] = {"Location": {"description": text, "schema": {"type": "string"}}}
    return dict(sorted(responses.items()))


def _error_response(error: type[ApiError]) -> dict[str, Any]:
    schema = {"$ref": REF.format(model="Error")}
    return {
        "description": HTTPStatus(error.status).phrase,
        "content": {"application/json": {"schema": schema, "examples": {}}},
    }


def _schema(kind: Any, schemas: dict[str, Any], *, mode: Any) -> dict[str, Any]:
    """Return a reference to the schema of a type. Adds the schema and its dependencies to `schemas`."""
    schema = TypeAdapter(kind).json_schema(ref_template=REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema
    return {"$ref": REF.format(model=kind.__name__)}


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return an example, built from the examples of the fields or else from defaults by type."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if choices := schema.get("anyOf"):
        return example_of(choices[0], schemas)
    if schema.get("type") != "object":
        return _DEFAULT_EXAMPLES.get(schema.get("type", ""))
    return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}


_DEFAULT_EXAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<uuid:{name}>", f"{{{name}}}").replace(f"<{name}>", f"{{{name}}}")
    return path


def _path_schema(rule: Rule, name: str) -> dict[str, str]:
    return {"type": "string"} | ({"format": "uuid"} if f"<uuid:{name}>" in rule.rule else {})
