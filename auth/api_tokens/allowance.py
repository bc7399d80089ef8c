"""What an API token may do: pure rules about permissions."""

from collections.abc import Iterable

from auth.permissions import AuthPermission
from utils.permissions import is_of_service

# Of the permissions of this service, those that a token can have: a stolen token changes nothing.
OF_SERVICE = frozenset({AuthPermission.VIEW, AuthPermission.AUDIT})


def is_possible(permission: str) -> bool:
    """Return whether an API token can have this permission."""
    return not is_of_service(permission) or permission in OF_SERVICE


def effective(own: Iterable[str], held: Iterable[str], *, by_factor: bool) -> frozenset[str]:
    """Return the permissions of a token that count: its own which its owner holds now.

    `by_factor` tells whether it was made by a second factor and its owner still has one: otherwise none of
    this service counts.
    """
    return frozenset(
        each
        for each in frozenset(own) & frozenset(held)
        if not is_of_service(each) or (by_factor and each in OF_SERVICE)
    )


def offered(held: Iterable[str], *, has_factor: bool) -> list[str]:
    """Return the permissions that a new token of an account can have, sorted, those of this service last."""
    possible = [each for each in held if not is_of_service(each) or (has_factor and each in OF_SERVICE)]
    return sorted(possible, key=lambda each: (is_of_service(each), each))
