"""What an operator does to accounts at the command line. Every change names the operator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from auth.errors import AccountDisabled, UserNotFound
from auth.events import EndReason, Event, Purpose
from auth.flows.steps import endings, links
from auth.stores import audit, known_devices, one_time_tokens, outbox, rate_limits, sessions, users
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
    return Overview(account, living, audit.page(session, account.id, None, SHOWN_EVENTS))


def page(services: Services, operator: Operator, *, after: int, limit: int, search: str) -> list[Account]:
    """Some accounts, by rising id."""
    found = users.page(services.session(), after=after, limit=limit, search=search)
    _record(services, Event.ACCOUNTS_LISTED, operator, count=len(found))
    services.session().commit()
    return found


def disable(services: Services, login: str, operator: Operator) -> bool:
    """Close an account and end everything of it, its mailed links too; False if it was closed already."""
    account, session, now = find(services, login), services.session(), services.clock.now()
    if not users.disable(session, account.id, now):
        return False
    endings.end_everything(services, session, account.id, EndReason.OPERATOR)
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


def send_reset(services: Services, login: str, operator: Operator) -> None:
    """Mail a link for a new password. Raises `AccountDisabled` where that would open nothing."""
    account, session = find(services, login), services.session()
    if account.disabled_at or not account.email:
        raise AccountDisabled
    links.send_link(services, session, account, Purpose.RESET, "reset_password", {}, limited=False)
    _record(services, Event.RESET_SENT, operator, user_id=account.id)
    session.commit()


def prune(services: Services, operator: Operator) -> dict[str, int]:
    """Delete what has outlived its use, in small transactions; how many rows of each table."""
    settings, now = services.settings, services.clock.now()
    ages = _RETENTION | {
        "sessions": timedelta(seconds=settings.ended_session_retention),
        "audit_events": timedelta(seconds=settings.audit_retention),
    }
    deleted = {"users": _erase_due(services, operator)} | dict.fromkeys(_PRUNERS, 0)
    for name, prune_slice in _PRUNERS.items():
        before = now - ages.get(name, timedelta(0))
        while count := prune_slice(services.session(), before, PRUNE_SLICE):
            deleted[name] += count
            services.session().commit()
    _record(services, Event.PRUNED, operator, count=sum(deleted.values()))
    services.session().commit()
    return deleted


def _erase_due(services: Services, operator: Operator) -> int:
    """Erase accounts whose owners left 14 days ago and, where that is required, those never confirmed."""
    session, now = services.session(), services.clock.now()
    unconfirmed = now - UNCONFIRMED_FOR if services.settings.require_verified_email else None
    erased = 0
    while due := users.due_for_erasure(session, now, unconfirmed, PRUNE_SLICE):
        session.rollback()
        for user_id in due:
            if users.lock_if_due(session, user_id, now, unconfirmed):
                endings.erase(
                    services, session, user_id, Event.ACCOUNT_ERASED, operator.client, operator.name
                )
                erased += 1
            session.commit()  # each by itself: nobody waits long for a lock
    return erased


UNCONFIRMED_FOR = timedelta(days=7)
# How long what is over is kept, for questions that come later.
_RETENTION = {
    "one_time_tokens": timedelta(days=30),
    "outbox": timedelta(days=30),
    "known_devices": timedelta(days=365),
}
_PRUNERS: Mapping[str, Callable[[Session, datetime, int], int]] = {
    "sessions": sessions.prune,
    "audit_events": audit.prune,
    "rate_limits": rate_limits.prune,
    "one_time_tokens": one_time_tokens.prune,
    "outbox": outbox.prune,
    "known_devices": known_devices.prune,
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
