"""The claims about a person, by scope (OpenID Connect Core, 5.4): in userinfo and in ID tokens."""

from collections.abc import Collection, Sequence
from typing import Any

from models import Account


def about(
    account: Account, scopes: Collection[str], *, takes_unverified: bool, roles: Sequence[str]
) -> dict[str, Any]:
    """Return the claims that these scopes give.

    An unconfirmed address is told only to a client that takes such (`takes_unverified`): many rely on the
    address alone. `roles` are those of the application.
    """
    claims: dict[str, Any] = {"sub": str(account.id)}
    if "profile" in scopes:
        claims |= {"preferred_username": account.username, "name": account.username}
    is_verified = account.email_verified_at is not None
    if "email" in scopes and account.email and (is_verified or takes_unverified):
        claims |= {"email": account.email, "email_verified": is_verified}
    if "roles" in scopes:
        claims["roles"] = list(roles)
    return claims
