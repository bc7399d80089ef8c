"""The API description (OpenAPI 3.1), generated from the code.

Paths come from the URL map, request bodies from the pydantic models, responses from the output types, errors
from the error classes, and tags from the packages of the views.
"""

import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from ops.openapi_errors import ERROR_SCHEMA, error_responses
from ops.openapi_schemas import Schemas, example_of, query_schemas, request_schema, response_schema
from utils.web.http import Documentation, documentation


def describe(app: Flask, version: str) -> dict[str, Any]:
    """Return the OpenAPI document that is served at `/openapi.json`."""
    schemas: Schemas = {"Error": ERROR_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for rule, method, docs in documented_routes(app):
        view = app.view_functions[rule.endpoint]
        tag, about = capability(view)
        tags[tag] = about
        operation = _operation(rule, view.__doc__ or "", docs, schemas) | {"tags": [tag]}
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
        "tags": [{"name": tag, "description": about} for tag, about in sorted(tags.items())],
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


def capability(view: Callable[..., Any]) -> tuple[str, str]:
    """Return the tag of a view, which is the name of its package, and what the package says of itself.

    `auth.login` is `login`, `oauth.token` is `oauth-token`. Other views have the name of their top package.
    """
    top, _, rest = view.__module__.partition(".")
    package = f"{top}.{rest.partition('.')[0]}" if top in {"auth", "oauth"} else top
    about = (getattr(sys.modules.get(package), "__doc__", "") or "").strip().partition("\n")[0]
    return package.removeprefix("auth.").replace(".", "-").replace("_", "-"), about


def _operation(rule: Rule, text: str, docs: Documentation, schemas: Schemas) -> dict[str, Any]:
    summary, _, description = text.strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()),
        "security": _security(docs),
        "responses": _responses(docs, schemas),
    }
    if parameters := _parameters(rule, docs):
        operation["parameters"] = parameters
    if docs.body:
        operation["requestBody"] = {
            "required": not docs.body_optional,
            "content": {"application/json": {"schema": request_schema(docs.body, schemas)}},
        }
    if docs.form:
        schema = request_schema(docs.form, schemas)
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    return operation


def _parameters(rule: Rule, docs: Documentation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(rule, name)}
        for name in sorted(rule.arguments)
    ]
    if docs.query:
        fields = query_schemas(docs.query)
        parameters += [{"name": name, "in": "query", "schema": field} for name, field in fields.items()]
    parameters += [
        {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
        for name, about in docs.headers.items()
    ]
    if not docs.form:  # errors of clients are English
        parameters.append(
            {
                "name": "Accept-Language",
                "in": "header",
                "description": "Of messages for people. English if it names no installed language.",
                "schema": {"type": "string", "examples": ["de"]},
            }
        )
    return parameters


def _security(docs: Documentation) -> list[dict[str, list[str]]]:
    """Return the kinds of tokens that a route accepts, any of them."""
    taken = {"bearer": docs.guarded, "api_token": docs.api_tokens, "verify_cookie": docs.verify_cookie}
    kinds = [name for name, is_taken in taken.items() if is_taken]
    # Anyone may call, and a token that is sent counts.
    by_choice: list[dict[str, list[str]]] = [{}] if "token_invalid" in docs.errors else []
    by_choice += [{name: []} for name in kinds + (["bearer"] if by_choice else [])]
    return by_choice


def _responses(docs: Documentation, schemas: Schemas) -> dict[str, Any]:
    successes = [(docs.status, docs.output), *([docs.also] if docs.also else [])]
    responses = {str(status): _success(status, output, schemas) for status, output in successes}
    responses |= error_responses(docs, schemas)
    if docs.verify_cookie:
        text = "The login page, if a person may log in there and come back."
        responses["401"]["headers"] = {"Location": {"description": text, "schema": {"type": "string"}}}
    return dict(sorted(responses.items()))


def _success(status: int, output: type | None, schemas: Schemas) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if output is not None:
        schema = response_schema(output, schemas)
        success["content"] = {"application/json": {"schema": schema, "example": example_of(schema, schemas)}}
    return success


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(f"<uuid:{name}>", f"{{{name}}}").replace(f"<{name}>", f"{{{name}}}")
    return path


def _path_schema(rule: Rule, name: str) -> dict[str, str]:
    return {"type": "string"} | ({"format": "uuid"} if f"<uuid:{name}>" in rule.rule else {})
