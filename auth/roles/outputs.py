"""Roles as operators see them."""

from typing_extensions import TypedDict

from auth.stores.roles import RoleState


class RoleFields(TypedDict):
    name: str
    description: str
    permissions: list[str]
    accounts: int


def role(found: RoleState) -> RoleFields:
    return {
        "name": found.name,
        "description": found.description,
        "permissions": sorted(found.permissions),
        "accounts": found.accounts,
    }
