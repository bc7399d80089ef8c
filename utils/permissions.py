"""Permissions: texts of the form `thing:verb`, invented by applications and compared whole.

There is no hierarchy and no wildcard: `reports:read` is not part of `reports:read-all`.
"""

import re

MAX_PERMISSION = 81
_PERMISSION = re.compile(r"[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}")
SERVICE_PREFIX = "auth:"  # of the permissions that belong to this service


def is_permission(text: str) -> bool:
    """Return whether the text is a well-formed permission, known or not."""
    return _PERMISSION.fullmatch(text) is not None


def is_of_service(permission: str) -> bool:
    """Return whether the permission is one of this service, and not of an application."""
    return permission.startswith(SERVICE_PREFIX)
