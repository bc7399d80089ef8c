"""API tokens of an account: list, create, revoke."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from auth.api_tokens import allowance
from auth.api_tokens.errors import ApiTokenNameTaken, ApiTokenNotFound, ApiTokensOff, TooManyApiTokens
from auth.errors import PermissionInvalid, TwoFactorOff
from auth.events import Event, LinkPurpose
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.sessions import step_up
from auth.stores import account_expiry, api_tokens, audit, roles
from models import ApiToken, iso
from utils.client_info import ClientInfo
from utils.crypto import api_tokens as form
from utils.errors import PermissionMissing
from utils.languages.text import Text
from utils.permissions import is_of_service
from utils.services import Principal, Services

MAX_LIVE = 50  # of an account
MAX_LISTED = 2 * MAX_LIVE  # with those that expired lately
DEFAULT_DAYS = 90
NOT_POSSIBLE = Text(
    "Of the permissions of this service, an API token can have auth:view and auth:audit only."
)


class Created(NamedTuple):
    """A new API token, and its text, which is stored nowhere."""

    row: ApiToken
    text: str


class Owned(NamedTuple):
    """The API tokens of an account, and the permissions that a new one can have."""

    tokens: Sequence[ApiToken]
    offered: Sequence[str]


def of_caller(services: Services, principal: Principal) -> Owned:
    """Return the caller's tokens that were not revoked, the newest first. Raises `SessionRequired`."""
    step_up.own_session(principal)
    found = api_tokens.of_user(services.tx(), principal.user_id, MAX_LISTED)
    has_factor = principal.account.two_factor_at is not None
    offered = allowance.offered(principal.permissions | principal.withheld, has_factor=has_factor)
    return Owned(newest_first(found), offered)


def create(
    services: Services,
    principal: Principal,
    *,
    name: str,
    permissions: Collection[str],
    days: int | None,
    client: ClientInfo,
) -> Created:
    """Create a token of the caller, which lives `days` days, and mail its owner.

    Needs a fresh login, and a fresh second factor if the account has one (`ReauthRequired`). Raises
    `ApiTokensOff`; `PermissionInvalid` for a permission that no token can have; `PermissionMissing` for one
    that the caller does not have; `TwoFactorOff` for one of this service in an account without a second
    factor; `ApiTokenNameTaken`; and `TooManyApiTokens`.
    """
    if not services.settings.api_tokens_enabled:
        raise ApiTokensOff
    if not all(map(allowance.is_possible, permissions)):
        raise PermissionInvalid(NOT_POSSIBLE)
    current, account = step_up.lock_for_credential_change(services, principal)
    tx, now = services.tx(), services.clock.now()
    held, _ = roles.of_user(tx, account.id)
    if not set(permissions) <= set(held):
        raise PermissionMissing
    by_factor = account.two_factor_at is not None
    if not by_factor and any(map(is_of_service, permissions)):
        raise TwoFactorOff
    live = api_tokens.live_names(tx, account.id, now)  # the account is locked: they are counted in turn
    if name in live:
        raise ApiTokenNameTaken(fields={"name": Text("is the name of another token")})
    if len(live) >= MAX_LIVE:
        raise TooManyApiTokens(MAX_LIVE)
    maximum = services.settings.api_token_max_days
    expires_at = now + timedelta(days=min(days or DEFAULT_DAYS, maximum))
    made = form.new()
    row = api_tokens.add(
        tx,
        account.id,
        name,
        permissions,
        digest=made.digest,
        shown=made.shown,
        by_factor=by_factor,
        now=now,
        expires_at=expires_at,
    )
    account_expiry.keep(tx, account.id, now)  # a program uses it
    # Not its name: who has only stolen a session could write to the owner by it.
    facts = messages.client_facts(client, now) | {"expires_at": iso(expires_at)}
    purpose, limit = LinkPurpose.DISOWN, Limit.ADDRESS_NOTICE
    links.send_link(services, tx, account, purpose, "api_token_created", facts, limit=limit)
    audit.append(
        tx, Event.API_TOKEN_CREATED, now, client, user_id=account.id, session_id=current, detail=name
    )
    tx.commit()
    return Created(row, made.text)


def revoke(services: Services, principal: Principal, token_id: UUID, client: ClientInfo) -> None:
    """Revoke one of the caller's tokens, at once. Raises `ApiTokenNotFound`, also for one of another account.

    Without a fresh login: to revoke is safe.
    """
    tx, now = services.tx(), services.clock.now()
    account = step_up.lock_for_change(services, principal)
    name = api_tokens.revoke(tx, account.id, token_id, now)
    if name is None:
        raise ApiTokenNotFound
    audit.append(
        tx,
        Event.API_TOKEN_REVOKED,
        now,
        client,
        user_id=account.id,
        session_id=principal.session_id,
        detail=name,
    )
    tx.commit()


def newest_first(found: Sequence[ApiToken]) -> Sequence[ApiToken]:
    return sorted(found, key=lambda row: (row.created_at, row.id), reverse=True)
