"""Form bodies of protocol endpoints: `application/x-www-form-urlencoded`, each parameter once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_plus

from flask import request

from utils.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from utils.request_record import request_record
from utils.web.http import documentation

FORM = "application/x-www-form-urlencoded"
MAX_FORM = 16 * 1024  # bytes
MAX_PARAMETERS = 64
R = TypeVar("R")


class Parameters(NamedTuple):
    """The parameters of a form or a query: the first value of each name, and the names that were repeated.

    A parameter without a value counts as absent (RFC 6749, 3.1).
    """

    values: Mapping[str, str]
    repeated: frozenset[str]

    def get(self, name: str) -> str | None:
        return self.values.get(name)


def parsed(text: str) -> Parameters:
    """Return the parameters of a query or form in UTF-8. Raises `BadRequest`.

    A NUL is in no parameter of RFC 6749 (appendix A), and Postgres takes none in a text.
    """
    if "\x00" in text or "%00" in text:
        raise BadRequest
    pairs = text.split("&")
    if len(pairs) > MAX_PARAMETERS:
        raise BadRequest
    values: dict[str, str] = {}
    repeated = set()
    seen = set()
    for pair in pairs:
        if not pair:
            continue
        try:
            name, value = _decoded(pair)
        except UnicodeDecodeError:
            raise BadRequest from None
        if name in seen:
            repeated.add(name)
        seen.add(name)
        if value:
            values.setdefault(name, value)
    return Parameters(values, frozenset(repeated))


def _decoded(pair: str) -> tuple[str, str]:
    """Return name and value. Without a sign of the encoding there is nothing to decode: half of the time."""
    name, _, value = pair.partition("=")
    if "%" not in pair and "+" not in pair:
        return name, value
    return unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")


def takes_form(model: type) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Pass the `Parameters` of the form to the view. Decorator; `model` documents the parameters.

    The query of the address is never read. Raises `BadRequest`, `PayloadTooLarge` and `UnsupportedMediaType`.
    Every error of the view has the member `error` as well (RFC 6749, 5.2).
    """

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> R:
            request_record().takes_form = True
            return view(_form(), *args, **kwargs)

        documentation(checked).form = model
        return checked

    return decorate


def _form() -> Parameters:
    length = request.content_length
    raw = request.get_data(cache=False) if length is None or length > MAX_FORM else _read(length)
    if len(raw) > MAX_FORM:
        raise PayloadTooLarge
    if length is not None and len(raw) != length:
        raise BadRequest  # the connection was lost
    if raw and request.environ.get("CONTENT_TYPE") != FORM and request.mimetype != FORM:
        raise UnsupportedMediaType
    try:
        return parsed(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest from None


def _read(length: int) -> bytes:
    """Return a body of this length. Werkzeug's stream around it takes as long as to parse a form."""
    read, raw = request.environ["wsgi.input"].read, b""
    try:
        while len(raw) < length and (part := read(length - len(raw))):
            raw += part
    except (OSError, ValueError):
        raise BadRequest from None  # the connection was lost
    return raw
