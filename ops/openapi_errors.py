"""The error responses of the API description: the codes of each route, and the schema of each response.

The code is an enum of the codes of this route and status. Errors with further members have a schema of their
own: a program that has compared the code knows the members.
"""

from http import HTTPStatus
from typing import Any

from ops.openapi_schemas import REF, Schemas, add, example_of, members_schema, request_schema
from utils.errors import ApiError, FormErrorMembers, error_classes
from utils.web.http import Documentation

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
        "code": {"type": "string", "description": "For programs. A code never changes its meaning."},
        "message": {"type": "string", "description": "For people, in the language of Accept-Language."},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "The fault of each invalid field, by name.",
        },
        "request_id": {"type": "string", "description": "The id of the request in the log."},
    },
}
_REQUEST_ID = "5f2b9c0d1e6a7f48"


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


def error_responses(docs: Documentation, schemas: Schemas) -> dict[str, Any]:
    """Return the error responses of a route by status. Schemas that they refer to are added to `schemas`."""
    by_status: dict[int, list[type[ApiError]]] = {}
    for error in errors_of(docs):
        by_status.setdefault(error.status, []).append(error)
    return {str(status): _response(docs, errors, schemas) for status, errors in by_status.items()}


def _response(docs: Documentation, errors: list[type[ApiError]], schemas: Schemas) -> dict[str, Any]:
    alike: dict[Any, list[type[ApiError]]] = {}  # by their further members
    for error in errors:
        alike.setdefault(_members(error, docs), []).append(error)
    kinds = [_schema(group, members, schemas) for members, group in alike.items()]
    examples = {error.code: {"value": _example(error, docs, schemas)} for error in errors}
    codes = ", ".join(f"`{error.code}`" for error in errors)
    return {
        "description": f"{HTTPStatus(errors[0].status).phrase}: {codes}",
        "content": {
            "application/json": {
                "schema": kinds[0] if len(kinds) == 1 else {"oneOf": kinds},
                "examples": examples,
            }
        },
    }


def _members(error: type[ApiError], docs: Documentation) -> Any:
    return error.members or (FormErrorMembers if docs.form else None)


def _schema(group: list[type[ApiError]], members: Any, schemas: Schemas) -> dict[str, Any]:
    """Return the schema of errors with the same members. One alone has a name, as others may share it."""
    further = members_schema(members, schemas) if members else {}
    codes = [error.code for error in group]
    own = {
        "type": "object",
        "required": ["code", *further.get("required", [])],
        "properties": {"code": {"type": "string", "enum": codes}, **further.get("properties", {})},
    }
    schema = {"allOf": [{"$ref": REF.format(model="Error")}, own]}
    if len(group) > 1:
        return schema
    name = "".join(word.title() for word in codes[0].split("_")).removesuffix("Error")
    return add(schemas, f"{name}{'Form' if members is FormErrorMembers else ''}Error", schema)


def _example(error: type[ApiError], docs: Documentation, schemas: Schemas) -> dict[str, Any]:
    members = _members(error, docs)
    further = example_of(members_schema(members, schemas), schemas) if members else {}
    return {"code": error.code, "message": error.message, **further, "request_id": _REQUEST_ID}


def _sets_a_password(docs: Documentation) -> bool:
    schemas: Schemas = {}
    request_schema(docs.body, schemas)
    fields = [field for schema in schemas.values() for field in schema.get("properties", {}).values()]
    return any(field.get("format") == "password" and "minLength" in field for field in fields)
