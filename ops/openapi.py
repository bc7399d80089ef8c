"""The API description (OpenAPI 3.1), made from the routes, their inputs, outputs and errors.

Nothing is written twice: paths come from the URL map, bodies from the pydantic models,
answers from the output types, refusals from the error classes.
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
ERROR_SCHEMA = {
    "type": "object",
    "required": ["code", "message", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "For programs. Its meaning never changes."},
        "message": {"type": "string", "description": "For people."},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "What is wrong with each field, where that applies.",
        },
        "request_id": {"type": "string", "description": "Under this id the log knows the request."},
    },
}


def describe(app: Flask, version: str) -> dict[str, Any]:
    """The whole document, as it is served at `/openapi.json`."""
    schemas: dict[str, Any] = {"Error": ERROR_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, told in documented_routes(app):
        view = app.view_functions[rule.endpoint]
        operation = _operation(rule, view.__doc__ or "", told, schemas)
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
            },
        },
    }


def documented_routes(app: Flask) -> Iterator[tuple[Rule, str, Documentation]]:
    """Every route that tells its answer, with each of its methods."""
    for rule in app.url_map.iter_rules():
        told = documentation(app.view_functions[rule.endpoint])
        if told.output is None and told.status == 200:
            continue  # not one of ours: Flask's own static files
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, told


def errors_of(told: Documentation) -> list[type[ApiError]]:
    """What a route may answer instead: its own refusals, and those of the decorators around it."""
    by_code = {error.code: error for error in error_classes()}
    codes = [*told.errors]
    if told.limit:
        codes += ["rate_limited"]
    if told.guarded:
        codes += ["token_missing", "token_malformed", "token_invalid"]
        codes += [] if told.scope else ["second_factor_setup_required"]
    if told.cookie:
        codes += ["cross_site_refused"]
    if told.body:
        codes += ["json_invalid", "validation_failed", "payload_too_large", "unsupported_media_type"]
        codes += [] if told.body_optional else ["no_input", "missing_fields"]
        codes += PASSWORD_REFUSALS if _sets_a_password(told) else []
    if told.query:
        codes += ["validation_failed"]
    codes += ["internal_error", "unavailable"]
    return [by_code[code] for code in dict.fromkeys(codes)]


def _sets_a_password(told: Documentation) -> bool:
    schemas: dict[str, Any] = {}
    _body_schema(told, schemas)
    fields = [field for schema in schemas.values() for field in schema.get("properties", {}).values()]
    return any(field.get("format") == "password" and "minLength" in field for field in fields)


def _operation(rule: Rule, text: str, told: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, description = text.strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()),
        "tags": [rule.endpoint.partition(".")[0]],
        "security": [{"bearer": []}] if told.guarded else [],
        "responses": _responses(told, schemas),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in sorted(rule.arguments)
    ]
    if told.query:
        fields = TypeAdapter(told.query).json_schema()["properties"]
        parameters += [{"name": name, "in": "query", "schema": field} for name, field in fields.items()]
    if parameters:
        operation["parameters"] = parameters
    if told.body:
        operation["requestBody"] = {
            "required": not told.body_optional,
            "content": {"application/json": {"schema": _body_schema(told, schemas)}},
        }
    return operation


def _body_schema(told: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    return _schema(told.body, schemas, mode="validation")


def _responses(told: Documentation, schemas: dict[str, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(told.status).phrase}
    if told.output is not None:
        schema = _schema(told.output, schemas, mode="serialization")
        success["content"] = {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}
    responses = {str(told.status): success}
    if told.also:
        status, output = told.also
        schema = _schema(output, schemas, mode="serialization")
        content = {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    for error in errors_of(told):
        answer = responses.setdefault(str(error.status), _error_response(error))
        answer["description"] += f"{', ' if ': ' in answer['description'] else ': '}`{error.code}`"
        answer["content"]["application/json"]["examples"][error.code] = {
            "value": {"code": error.code, "message": error.message, "request_id": "5f2b9c0d1e6a7f48"}
        }
    return dict(sorted(responses.items()))


def _error_response(error: type[ApiError]) -> dict[str, Any]:
    schema = {"$ref": REF.format(model="Error")}
    return {
        "description": HTTPStatus(error.status).phrase,
        "content": {"application/json": {"schema": schema, "examples": {}}},
    }


def _schema(kind: Any, schemas: dict[str, Any], *, mode: Any) -> dict[str, Any]:
    """A reference to the type's schema, which is put among `schemas` with all that it needs."""
    schema = TypeAdapter(kind).json_schema(ref_template=REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema
    return {"$ref": REF.format(model=kind.__name__)}


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example put together from those of the fields; a plain one where a field has none."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if choices := schema.get("anyOf"):
        return example_of(choices[0], schemas)
    if schema.get("type") != "object":
        return _PLAIN_EXAMPLES.get(schema.get("type", ""))
    return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}


_PLAIN_EXAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<uuid:{name}>", f"{{{name}}}")
    return path
