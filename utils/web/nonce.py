"""The nonce of a question: the caller can tell that an answer belongs to it."""

import functools
import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import request

from utils.request_record import request_record
from utils.web.http import reads_header

P = ParamSpec("P")
R = TypeVar("R")

NONCE = "X-Auth-Nonce"
_NONCE = re.compile(r"[0-9a-f]{32}")


def returns_nonce(view: Callable[P, R]) -> Callable[P, R]:
    """Return the `X-Auth-Nonce` of the request with the response, refusals too. Decorator for views.

    Only 32 lower-case hexadecimal digits are returned; anything else is ignored. Outside `requires_of_call`.
    A surplus response on a kept connection then cannot be taken for that to the next request (response
    desynchronization, CWE-444).
    """

    @functools.wraps(view)
    def returning(*args: P.args, **kwargs: P.kwargs) -> R:
        nonce = request.environ.get("HTTP_X_AUTH_NONCE", "")
        if nonce and _NONCE.fullmatch(nonce):
            request_record().headers = {NONCE: nonce}
        return view(*args, **kwargs)

    return reads_header(NONCE, "32 lower-case hexadecimal digits, returned with the answer.")(returning)
