"""The permissions that a proxy or another service asks for: `?permission=reports:read&permission=...`."""

import logging

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
    if not request.query_string:
        return None
    asked = request.args.getlist(PARAMETER)
    if set(request.args) != {PARAMETER} or len(asked) > MAX_ASKED or not all(map(is_permission, asked)):
        log.warning("permission query refused")
        return _NEVER_HELD
    return frozenset(asked)
