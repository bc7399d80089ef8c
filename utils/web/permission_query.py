"""The permissions that a proxy or another service asks for: `?permission=reports:read&permission=...`."""

import logging
from functools import lru_cache
from urllib.parse import parse_qsl

from flask import request

from utils.permissions import is_permission

log = logging.getLogger("auth")

PARAMETER = "permission"
MAX_ASKED = 20
_NEVER_HELD = frozenset({""})


def asked_permissions() -> frozenset[str] | None:
    """Return the permissions that the query asks for, or None if there is no query.

    A faulty query gives a set that no account has, so that a typing error or an unset variable in a proxy's
    configuration refuses: an empty or malformed permission, another parameter, or more than `MAX_ASKED`.
    """
    query = request.query_string
    if not query:
        return None
    asked = _asked(query)
    if asked is _NEVER_HELD:
        log.warning("permission query refused")
    return asked


@lru_cache(maxsize=256)  # a proxy sends the same few queries with every request
def _asked(query: bytes) -> frozenset[str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_ASKED)
    except ValueError:
        return _NEVER_HELD
    if not pairs or any(name != PARAMETER or not is_permission(value) for name, value in pairs):
        return _NEVER_HELD
    return frozenset(value for _, value in pairs)
