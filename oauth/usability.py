"""Whether a grant may be used now: one answer for refresh, userinfo and introspection."""

from datetime import datetime

from auth import tokens
from auth.account_state import Use, refusal
from models import Account
from oauth.refusals import Reason
from oauth.stores.grants import Found
from utils.services import Services


def refused(services: Services, found: Found, now: datetime) -> Reason | None:
    """Return why a grant may not be used, or None.

    A grant that is bound to a session ends with it. One without a session never counts as offline for that.
    """
    grant = found.grant
    if grant.ended_at is not None or min(grant.idle_end, grant.absolute_end) <= now:
        return Reason.GRANT_ENDED
    if found.client_disabled_at is not None:
        return Reason.CLIENT_DISABLED
    if not grant.offline and not is_living(found.session_end, now):
        return Reason.SESSION_ENDED
    return refused_account(services, found.account, holds_permission=found.holds_permission)


def refused_account(services: Services, account: Account, *, holds_permission: bool) -> Reason | None:
    """Return why an application may not act for this account, or None."""
    if refusal(account, Use.CALL_WITH_APP) or tokens.needs_enrollment(services, account):
        return Reason.ACCOUNT_UNUSABLE
    return None if holds_permission else Reason.PERMISSION_MISSING


def is_living(session_end: datetime | None, now: datetime) -> bool:
    """Whether a session that ends then, or has ended (None), may be used."""
    return session_end is not None and session_end > now
