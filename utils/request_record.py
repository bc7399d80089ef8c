"""The record of a request: what its log line, its metric and its headers need.

`RequestLayer` creates it in the WSGI environment; views and error handlers add to it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import request

if TYPE_CHECKING:  # errors are recorded there
    from utils.errors import ApiError
    from utils.languages.catalogue import Language

KEY = "auth.request"


@dataclass(slots=True)
class RequestRecord:
    """A request and its response so far.

    `id` is 16 hexadecimal digits, `began` is in seconds of `perf_counter`.
    `headers` are added to the response.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    began: float = field(default_factory=perf_counter)
    user_id: int | None = None
    error: "ApiError | None" = None
    headers: Mapping[str, str] | None = None
    route: str | None = None
    status: int = 500  # if no response begins
    rule: Any = None  # of Werkzeug, if the response is repeated without it
    repeat_while: Callable[[], bool] | None = None  # the response is the same for everybody until it is false
    takes_form: bool = False  # errors have the members of RFC 6749, 5.2, too
    language: "Language | None" = None  # of the messages of the response, if it has any


def record_of(environ: dict[str, Any]) -> RequestRecord:
    """Return the record in this WSGI environment; creates one if there is none."""
    found: RequestRecord | None = environ.get(KEY)
    if found is None:
        found = environ[KEY] = RequestRecord()
    return found


def request_record() -> RequestRecord:
    """Return the record of the current request. Raises `RuntimeError` outside a request."""
    return record_of(request.environ)
