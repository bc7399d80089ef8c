"""Admission: whether the bearer of an access token may call, and what they may do."""

from datetime import datetime
from uuid import UUID

from auth import tokens
from auth.account_state import Use, refusal
from auth.errors import SecondFactorSetupRequired
from auth.permissions import NOTHING, Authority, authority
from auth.stores import roles, sessions, users
from models import Account
from utils.crypto import access_tokens
from utils.services import Claims, Principal, Reading, Services


def admit(services: Services, claims: Claims, reading: Reading = Reading.ACCOUNT) -> Principal | None:
    """Return the bearer of these claims, if the database admits them now. One statement.

    Permissions are read by it on each call, so that a change counts with the next one in every process.
    """
    if claims.session_id is None:
        return _without_session(services, claims, reading)
    now, session_id, user_id = services.clock.now(), claims.session_id, claims.user_id
    if reading is Reading.ACCOUNT:
        found = sessions.admitted(services.reads, session_id, user_id, now)
        if found is None or not _is_current(claims, found[0]):
            return None
        return _of_session(services, session_id, *found)
    held = sessions.admitted_with_permissions(
        services.reads, session_id, user_id, now, with_roles=reading is Reading.ROLES
    )
    if held is None or not _is_current(claims, held.auth_time):
        return None
    by_factor = held.factor_at is not None or not services.settings.admin_require_second_factor
    may = authority(held.permissions, by_factor=by_factor)
    return _of_session(services, session_id, held.auth_time, held.account, may, held.roles)


def _is_current(claims: Claims, auth_time: datetime) -> bool:
    # Tokens of releases before this claim have none; they expire within `JWT_ACCESS_TOKEN_EXPIRES`.
    return claims.auth_time in {None, auth_time.timestamp()}


def _of_session(
    services: Services,
    session_id: UUID,
    auth_time: datetime,
    account: Account,
    may: Authority = NOTHING,
    names: tuple[str, ...] = (),
) -> Principal:
    is_restricted = tokens.needs_enrollment(services, account)
    if is_restricted:  # it may do nothing until it has a second factor
        may = NOTHING
    return Principal(
        account.id,
        session_id,
        auth_time,
        account,
        scope=access_tokens.ENROLLMENT if is_restricted else None,
        out_of_scope=SecondFactorSetupRequired,
        permissions=may.permissions,
        withheld=may.withheld,
        roles=names,
    )


def _without_session(services: Services, claims: Claims, reading: Reading) -> Principal | None:
    """Return the bearer of a token of `auth token`, which never has permissions of this service."""
    account = users.by_id(services.tx(), claims.user_id)
    if account is None or refusal(account, Use.CALL_WITHOUT_SESSION):
        return None
    if claims.issued_at < account.tokens_valid_after:
        return None
    if reading is Reading.ACCOUNT:
        return Principal(account.id, None, None, account)
    permissions, names = roles.of_user(services.tx(), account.id)
    is_restricted = tokens.needs_enrollment(services, account)
    may = NOTHING if is_restricted else authority(permissions, by_factor=False)
    return Principal(account.id, None, None, account, permissions=may.permissions, roles=names)
