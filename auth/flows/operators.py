"""What an operator does to accounts at the command line. Every change names the operator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.errors import UserNotFound
from auth.events import EndReason, Event
from auth.stores import audit, rate_limits, sessions, users
from models import Account, AuditEvent, UserSession
from utils import access_tokens
from utils.client_info import ClientInfo
from utils.services import Services

PRUNE_SLICE = 1000  # rows a transaction, so that nobody waits long for a lock
SHOWN_EVENTS = 20
MAX_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is at the machine."""

    name: str
    client: ClientInfo


@dataclass(frozen=True, slots=True)
class Overview:
    """An account as an operator sees it."""

    account: Account
    sessions: Sequence[UserSession]
    events: Sequence[AuditEvent]


def find(services: Services, login: str) -> Account:
    """The account of a name, an address or an id. Raises `UserNotFound`."""
    session = services.session()
    is_id = login.isdecimal() and len(login) <= 10 and int(login) <= MAX_ID
    account = users.by_id(session, int(login)) if is_id else None
    account = account or users.by_login(session, login)
    if account is None:
        raise UserNotFound
    return account


def overview(services: Services, login: str, operator: Operator) -> Overview:
    """An account, its living sessions and what happened last."""
    account, session = find(services, login), services.session()
    _record(services, Event.ACCOUNT_SHOWN, operator, user_id=account.id)
    session.commit()
    living = sessions.living(session, account.id, services.clock.now())
    return Overview(account, living, audit.latest(session, account.id, SHOWN_EVENTS))


def page(services: Services, operator: Operator, *, after: int, limit: int, search: str) -> list[Account]:
    """Some accounts, by rising id."""
    found = users.page(services.session(), after=after, limit=limit, search=search)
    _record(services, Event.ACCOUNTS_LISTED, operator, count=len(found))
    services.session().commit()
    return found


def disable(services: Services, login: str, operator: Operator) -> bool:
    """Close an account and end everything of it; False if it was closed already."""
    account, session, now = find(services, login), services.session(), services.clock.now()
    if not users.disable(session, account.id, now):
        return False
    sessions.end_all(session, account.id, EndReason.OPERATOR, now)
    _record(services, Event.ACCOUNT_DISABLED, operator, user_id=account.id)
    session.commit()
    return True


def enable(services: Services, login: str, operator: Operator) -> bool:
    """Open a disabled account again; False if it was open already."""
    account, session = find(services, login), services.session()
    if not users.enable(session, account.id):
        return False
    _record(services, Event.ACCOUNT_ENABLED, operator, user_id=account.id)
    session.commit()
    return True


def end_sessions(services: Services, login: str | None, operator: Operator) -> int:
    """End every session and void every token of one account, or of all; how many sessions there were."""
    session, now = services.session(), services.clock.now()
    user_id = find(services, login).id if login is not None else None
    users.void_tokens(session, user_id, now)
    ended = sessions.end_all(session, user_id, EndReason.OPERATOR, now)
    _record(services, Event.ALL_SESSIONS_ENDED, operator, user_id=user_id, count=ended)
    session.commit()
    return ended


def issue_token(services: Services, login: str, operator: Operator) -> str:
    """An access token without a session, for a script. It lives `JWT_ACCESS_TOKEN_EXPIRES` seconds."""
    account = find(services, login)
    token = access_tokens.sign(services, account.id, None, services.clock.now())
    _record(services, Event.TOKEN_ISSUED, operator, user_id=account.id)
    services.session().commit()
    return token


def prune(services: Services, operator: Operator) -> dict[str, int]:
    """Delete what has outlived its use, in small transactions; how many rows of each table."""
    settings, now = services.settings, services.clock.now()
    ages = {"sessions": settings.ended_session_retention, "audit_events": settings.audit_retention}
    deleted = dict.fromkeys(_PRUNERS, 0)
    for name, prune_slice in _PRUNERS.items():
        before = now - timedelta(seconds=ages.get(name, 0))
        while count := prune_slice(services.session(), before, PRUNE_SLICE):
            deleted[name] += count
            services.session().commit()
    _record(services, Event.PRUNED, operator, count=sum(deleted.values()))
    services.session().commit()
    return deleted


_PRUNERS: Mapping[str, Callable[[Session, datetime, int], int]] = {
    "sessions": sessions.prune,
    "audit_events": audit.prune,
    "rate_limits": rate_limits.prune,
}


def _record(
    services: Services, event: Event, operator: Operator, *, user_id: int | None = None, count: int = 1
) -> None:
    audit.append(
        services.session(),
        event,
        services.clock.now(),
        operator.client,
        user_id=user_id,
        operator=operator.name,
        count=count,
    )
