"""API tokens of an account, for operators and administrators."""

from collections.abc import Sequence
from uuid import UUID

from auth.api_tokens.errors import ApiTokenNotFound
from auth.api_tokens.lifecycle import MAX_LISTED, newest_first
from auth.events import Event
from auth.permissions import AuthPermission
from auth.roles import authority
from auth.roles.actors import Actor, Operator, find, record
from auth.stores import api_tokens, users
from models import ApiToken
from utils.services import Services


def of_account(services: Services, login: str, operator: Operator) -> Sequence[ApiToken]:
    """Return the tokens of an account that were not revoked, the newest first."""
    account, tx = find(services, login), services.tx()
    record(services, Event.ACCOUNT_SHOWN, operator, user_id=account.id)
    tx.commit()
    return newest_first(api_tokens.of_user(tx, account.id, MAX_LISTED))


def revoke(services: Services, token_id: UUID, actor: Actor) -> str:
    """Revoke a token of any account and return its name.

    Raises `ApiTokenNotFound`, also for one that is revoked already, or as `authority.check` does.
    """
    tx = services.tx()
    found = api_tokens.by_id(tx, token_id)
    account = users.by_id(tx, found.user_id) if found else None
    if account is None:
        raise ApiTokenNotFound
    authority.check(services, actor, AuthPermission.SUPPORT, account)
    users.lock(tx, account.id)
    name = api_tokens.revoke(tx, account.id, token_id, services.clock.now())
    if name is None:
        raise ApiTokenNotFound
    record(services, Event.API_TOKEN_REVOKED, actor, user_id=account.id, detail=name)
    tx.commit()
    return name
