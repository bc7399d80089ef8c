"""Bodies: strict JSON, then a pydantic model, then a view that is handed plain, checked values."""

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, ParamSpec, Self, TypeVar, cast

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo

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
from utils.services import services
from utils.web.http import MAX_BODY, documentation

MAX_DEPTH = 20  # no body of ours nests deeper than 3
P = ParamSpec("P")
R = TypeVar("R")


class Body(BaseModel):
    """The base of every request body: strict types, unknown fields ignored, null and "" as absent."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    missing_message: ClassVar[str] = MissingFields.message
    # Faults with a code of their own, by pydantic's type, in order of precedence after missing fields.
    refusals: ClassVar[Mapping[str, type[ApiError]]] = {}

    @classmethod
    def missing(cls, data: dict[str, Any]) -> list[str]:
        """Names of the fields that must be there and are not. `data` holds no null and no ""."""
        return [name for name, field in cls.model_fields.items() if field.is_required() and name not in data]

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The checked body. Raises the 400 that comes first (missing, password, the rest) with all faults."""
        given = {name: value for name, value in data.items() if value is not None and value != ""}
        missing = cls.missing(given)
        try:
            checked = cls.checked(given)
        except ValidationError as problem:
            _refuse(cls, missing, problem)
        if missing:
            raise MissingFields(cls.missing_message, fields=dict.fromkeys(missing, "is missing"))
        return checked

    @classmethod
    def checked(cls, given: dict[str, Any]) -> Self:
        """The model of these values. Raises pydantic's `ValidationError`."""
        return cls.model_validate(given, context=services().settings)


class Query(Body):
    """The base of what stands behind the `?`: every value is text, and read as what it should be."""

    @classmethod
    def checked(cls, given: dict[str, Any]) -> Self:
        return cls.model_validate_strings(given, context=services().settings)


# What pydantic finds, in the manner of our own: the end of a sentence that the field's name begins.
_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "string_too_long": "is too long",
}


def settings_of(info: ValidationInfo) -> Settings:
    """The settings that a body is checked against, for its validators."""
    return cast(Settings, info.context)


def _refuse(body: type[Body], missing: list[str], problem: ValidationError) -> NoReturn:
    fields: dict[str, str] = {}
    refusals: dict[str, str] = {}  # those of the body's own, with the fault in words
    for fault in problem.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else "body"
        fields[name] = _MESSAGES.get(fault["type"], fault["msg"].replace("Input should be", "must be"))
        if fault["type"] in body.refusals:
            refusals[fault["type"]] = fault["msg"]
    fields |= dict.fromkeys(missing, "is missing")
    if missing:
        raise MissingFields(body.missing_message, fields=fields)
    for kind, refusal in body.refusals.items():
        if kind in refusals:
            raise refusal(refusal.message_for(refusals[kind]), fields=fields)
    raise InvalidInput(fields=fields)


B = TypeVar("B", bound=Body)


def takes(model: type[B], *, optional: bool = False) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Hand the view its body as a checked `model`; with `optional`, an absent or empty body is fine."""

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
    """Hand the view what stands behind the `?` of its URL as a checked `model`."""

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> R:
            return view(model.read(request.args.to_dict()), *args, **kwargs)

        documentation(checked).query = model
        return checked

    return decorate


def json_body() -> dict[str, Any]:
    """The JSON object that was sent, {} for no body at all. Raises 400, 413 or 415."""
    raw = request.get_data(cache=False)
    if len(raw) > MAX_BODY:
        raise PayloadTooLarge
    if request.content_length is not None and len(raw) != request.content_length:
        raise BadRequest  # the connection broke off
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
    """JSON as RFC 8259 has it, in UTF-8 without a mark, and nothing that parsers disagree about.

    Raises `InvalidJson` for duplicate keys, NaN, lone surrogates, numbers of absurd
    length and nesting deeper than `MAX_DEPTH` (ASVS 1.5.3).
    """
    try:
        text = raw.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise InvalidJson
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:  # only an escape can smuggle in half a character
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise InvalidJson from None
    return data


def _depth(text: str) -> int:
    depth = deepest = 0
    # A quote always matches, closed or not: otherwise each of many open ones would read to the end.
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
