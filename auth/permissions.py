"""The permissions of this service, the built-in roles, and the names of roles."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from utils.permissions import is_of_service

ADMIN = "admin"
SUPPORT = "support"
MAX_ROLE_NAME = 60
_ROLE_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")


class AuthPermission(StrEnum):
    """Permissions to act on the accounts of others."""

    VIEW = "auth:view"  # see accounts, sessions and roles
    SUPPORT = "auth:support"  # end sessions, mail links, disable, enable, lock out, reset second factors
    ACCOUNTS = "auth:accounts"  # create and close accounts
    ROLES = "auth:roles"  # define roles, give and take them
    AUDIT = "auth:audit"  # read the whole audit log


# Their rows are made by a migration. They can be given and taken, but not changed or deleted.
BUILT_IN: Mapping[str, frozenset[str]] = {
    ADMIN: frozenset(AuthPermission),
    SUPPORT: frozenset({AuthPermission.VIEW, AuthPermission.SUPPORT}),
}


class Authority(NamedTuple):
    """What an account may do in a session. `withheld` counts only where a second factor was proven."""

    permissions: frozenset[str]
    withheld: frozenset[str]


NOTHING = Authority(frozenset(), frozenset())


def is_role_name(text: str) -> bool:
    """Return whether the text is a well-formed name of a role."""
    return _ROLE_NAME.fullmatch(text) is not None


@lru_cache(maxsize=512)
def authority(permissions: tuple[str, ...], *, by_factor: bool) -> Authority:
    """Return what these permissions of an account amount to in a session, with a second factor or without."""
    held = frozenset(permissions)
    withheld = frozenset() if by_factor else frozenset(filter(is_of_service, held))
    return Authority(held - withheld, withheld)
