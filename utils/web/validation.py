"""Request bodies and queries: strict JSON, validated by pydantic models."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, ParamSpec, Self, TypeVar, cast

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from config import Settings
from utils.errors import (
    ApiError,
    BadRequest,
    InvalidInput,
    InvalidJson,
    MissingFields,
    NoInput,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from utils.languages.text import Text
from utils.services import services
from utils.web.http import MAX_BODY, documentation

MAX_DEPTH = 20  # our own bodies nest at most 3 levels
P = ParamSpec("P")
R = TypeVar("R")


class Body(BaseModel):
    """Base of request bodies: strict types; unknown fields are ignored; null and "" count as absent.

    Null does not where a field says so (`nullable`).
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    missing_message: ClassVar[str] = MissingFields.message
    # Error classes by pydantic error type, in order of precedence. Missing fields take precedence over all.
    refusals: ClassVar[Mapping[str, type[ApiError]]] = {}
    # Optional fields whose null is a value of its own.
    nullable: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        """Return the names of missing required fields. `data` has no null and no ""."""
        return [name for name, field in cls.model_fields.items() if field.is_required() and name not in data]

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Return the validated body. Raises the first 400 by precedence, with the faults of all fields."""
        given = {name: value for name, value in data.items() if value is not None and value != ""}
        missing = cls.missing(given)
        given |= {name: None for name in cls.nullable if name in data and data[name] is None}
        try:
            checked = cls.checked(given)
        except ValidationError as problem:
            _refuse(cls, missing, problem)
        if missing:
            raise MissingFields(cls.missing_message, fields=dict.fromkeys(missing, Text("is missing")))
        return checked

    @classmethod
    def checked(cls, given: dict[str, Any]) -> Self:
        """Return the model of these values. Raises pydantic's `ValidationError`."""
        return cls.model_validate(given, context=services().settings)


class Query(Body):
    """Base of query strings: values are converted from text."""

    @classmethod
    def checked(cls, given: dict[str, Any]) -> Self:
        return cls.model_validate_strings(given, context=services().settings)


# Texts for pydantic's error types. Each continues a sentence that begins with the name of the field. The gaps
# are what pydantic tells of the rule; nothing of the input is among them.
FAULTS = {
    "missing": "is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "string_too_long": "is too long",
    "too_short": "must not be empty",
    "too_long": "has too many entries",
    "extra_forbidden": "is unknown",
    "int_type": "must be a valid integer",
    "list_type": "must be a valid list",
    "dict_type": "must be a valid dictionary",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "less_than_equal": "must be less than or equal to {le}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "String should match pattern '{pattern}'",
}


def fault(code: str, text: Text) -> PydanticCustomError:
    """Return the exception by which a validator refuses a field, for `raise`."""
    return PydanticCustomError(code, "{text}", {"text": text})


def settings_of(info: ValidationInfo) -> Settings:
    """Return the settings, for validators of a body."""
    return cast(Settings, info.context)


def _refuse(body: type[Body], missing: list[str], problem: ValidationError) -> NoReturn:
    fields: dict[str, Text] = {}
    refusals: dict[str, Text] = {}  # error types of `body.refusals`, with their messages
    for found in problem.errors(include_input=False, include_url=False):
        name, kind = str(found["loc"][0]) if found["loc"] else "body", found["type"]
        fields[name] = _text_of(kind, found["msg"], found.get("ctx", {}))
        if kind in body.refusals:
            refusals[kind] = fields[name]
    fields |= dict.fromkeys(missing, Text("is missing"))
    if missing:
        raise MissingFields(body.missing_message, fields=fields)
    for kind, refusal in body.refusals.items():
        if kind in refusals:
            raise refusal(refusal.message_for(refusals[kind]), fields=fields)
    raise InvalidInput(fields=fields)


def _text_of(kind: str, message: str, context: Mapping[str, Any]) -> Text:
    """Return what is wrong with a field: the text of `fault`, ours for pydantic's type, or pydantic's."""
    if isinstance(text := context.get("text"), Text):
        return text
    if kind == "literal_error" and " or " in context["expected"]:
        others, _, last = context["expected"].rpartition(" or ")
        context = {"expected": Text("{others} or {last}", others=others, last=last)}
    if kind in FAULTS:
        return Text(FAULTS[kind], **context)
    if message == (one := Text("String should have at least 1 character")):
        return one
    return Text(message.replace("Input should be", "must be"))


B = TypeVar("B", bound=Body)


def takes(model: type[B], *, optional: bool = False) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Pass the validated body to the view. Decorator; `optional` allows an absent or empty body."""

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> R:
            data = json_body()
            if not data and not optional:
                raise NoInput
            return view(model.read(data), *args, **kwargs)

        docs = documentation(checked)
        docs.body, docs.body_optional = model, optional
        return checked

    return decorate


Q = TypeVar("Q", bound=Query)


def takes_query(model: type[Q]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Pass the validated query string to the view. Decorator for views."""

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> R:
            return view(model.read(request.args.to_dict()), *args, **kwargs)

        documentation(checked).query = model
        return checked

    return decorate


def json_body() -> dict[str, Any]:
    """Return the JSON object of the request, {} without a body. Raises a 400, 413 or 415."""
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY:
        raise PayloadTooLarge
    if request.content_length is not None and len(raw) != request.content_length:
        raise BadRequest  # the connection was lost
    if not raw:
        return {}
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType
    data = strict_json(raw)
    if not isinstance(data, dict):
        raise InvalidJson
    return data


def strict_json(raw: bytes) -> Any:
    """Parse JSON (RFC 8259) in UTF-8 without a byte order mark, and reject what parsers disagree about.

    Raises `InvalidJson` for duplicate keys, NaN, lone surrogates, very long numbers and nesting deeper than
    `MAX_DEPTH` (ASVS 1.5.3).
    """
    try:
        text = raw.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise InvalidJson
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:  # only an escape can produce a lone surrogate
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise InvalidJson from None
    return data


def _depth(text: str) -> int:
    depth = deepest = 0
    # Also matches an unclosed quote; else each of many would scan to the end (quadratic time).
    for bracket in re.findall(r'"(?:[^"\\]|\\.?)*+"?|[\[\]{}]', text, re.DOTALL):
        if bracket in {"[", "{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in {"]", "}"}:
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> NoReturn:  # noqa: ARG001
    raise ValueError("not a JSON number")
