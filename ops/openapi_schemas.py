"""Schemas and examples of the API description, from types of pydantic and typed dictionaries."""

import json
from typing import Any, Literal

from pydantic import TypeAdapter

REF = "#/components/schemas/{model}"
Schemas = dict[str, Any]  # those under `components`, by name
_DEFAULT_EXAMPLES = {"string": "text", "integer": 1, "number": 1.5, "boolean": True}


def request_schema(kind: Any, schemas: Schemas) -> dict[str, Any]:
    """Return a reference to the schema of a request body, which is added to `schemas`."""
    return _added(kind, schemas, "validation")


def response_schema(kind: Any, schemas: Schemas) -> dict[str, Any]:
    """Return a reference to the schema of a response body, which is added to `schemas`."""
    return _added(kind, schemas, "serialization")


def members_schema(kind: Any, schemas: Schemas) -> dict[str, Any]:
    """Return the schema of a typed dictionary itself. What it refers to is added to `schemas`."""
    schema = TypeAdapter(kind).json_schema(ref_template=REF, mode="serialization")
    for name, part in schema.pop("$defs", {}).items():
        add(schemas, name, part)
    return schema


def query_schemas(kind: Any) -> dict[str, Any]:
    """Return the schema of each parameter of a query, by name."""
    properties: dict[str, Any] = _without_defaults(TypeAdapter(kind).json_schema())["properties"]
    return properties


def _added(kind: Any, schemas: Schemas, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(ref_template=REF, mode=mode)
    parts = schema.pop("$defs", {}) | {kind.__name__: schema}
    for name, part in parts.items():
        add(schemas, name, _without_defaults(part) if mode == "validation" else part)
    return {"$ref": REF.format(model=kind.__name__)}


def add(schemas: Schemas, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Add a schema and return a reference to it. Raises `ValueError` if the name has another schema."""
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two schemas have the name {name}")
    return {"$ref": REF.format(model=name)}


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with the defaults of its properties told in words.

    Generators take a property with `default` for one that is always there, so that callers would have to
    send it.
    """
    if "properties" not in schema:
        return schema
    return schema | {"properties": {name: _told(part) for name, part in schema["properties"].items()}}


def _told(field: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in field.items() if name != "default"}
    if field.get("default") in {None, ""}:  # such a field counts as absent
        return rest
    words = [*filter(None, [rest.get("description")]), f"Default: {json.dumps(field['default'])}."]
    return rest | {"description": " ".join(words)}


def example_of(schema: dict[str, Any], schemas: Schemas) -> Any:
    """Return an example, built from the examples of the fields or else from defaults by type."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if choices := schema.get("anyOf"):
        return example_of(choices[0], schemas)
    if schema.get("type") != "object":
        return _DEFAULT_EXAMPLES.get(schema.get("type", ""))
    return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
