"""Form bodies of protocol endpoints: `application/x-www-form-urlencoded`, each parameter once."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from flask import request

from utils.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from utils.request_record import request_record
from utils.web.http import documentation

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
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:  # includes UnicodeDecodeError
        raise BadRequest from None
    values: dict[str, str] = {}
    repeated = set()
    seen = set()
    for name, value in pairs:
        if name in seen:
            repeated.add(name)
        seen.add(name)
        if value:
            values.setdefault(name, value)
    return Parameters(values, frozenset(repeated))


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
    raw = request.get_data(cache=False)
    if len(raw) > MAX_FORM:
        raise PayloadTooLarge
    if request.content_length is not None and len(raw) != request.content_length:
        raise BadRequest  # the connection was lost
    if raw and request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType
    try:
        return parsed(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest from None
