"""What applications may do with an account: its consents and living grants, by client."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from auth.stores.pages import AccountPages
from models import UserSession
from oauth.stores.row_locks import lock_grants, share_clients_of_user
from tables.oauth import OAuthClient, OAuthCode, OAuthConsent, OAuthGrant, OAuthResource


class ConsentRow(NamedTuple):
    """What an account allowed a client."""

    client_id: str
    scopes: list[str]
    resources: list[str]
    granted_at: datetime


class GrantRow(NamedTuple):
    """A living grant of an account."""

    client_id: str
    scopes: list[str]
    resource: str | None
    offline: bool
    created_at: datetime
    last_used_at: datetime
    ip_address: str | None


class ClientRow(NamedTuple):
    """A client as its users are shown it."""

    id: str
    name: str
    kind: str
    uri: str | None
    redirect_uris: list[str]


CONSENT_PAGES = AccountPages(cast(Table, OAuthConsent.__table__), "client_id")
GRANT_PAGES = AccountPages(cast(Table, OAuthGrant.__table__), "created_at", "id")


def consents(tx: Session, user_id: int) -> list[ConsentRow]:
    """Return what the account allowed, by client."""
    columns = [getattr(OAuthConsent, name) for name in ConsentRow._fields]
    found = select(*columns).where(OAuthConsent.user_id == user_id).order_by(OAuthConsent.client_id)
    return [ConsentRow._make(row) for row in tx.execute(found)]


def living_grants(tx: Session, user_id: int, now: datetime) -> list[GrantRow]:
    """Return the grants of the account that can be used now, the latest used first."""
    columns = [getattr(OAuthGrant, name) for name in GrantRow._fields]
    found = (
        select(*columns)
        .outerjoin(UserSession, UserSession.id == OAuthGrant.session_id)
        .where(OAuthGrant.user_id == user_id, OAuthGrant.client_id.is_not(None), *_is_living(now))
        .order_by(OAuthGrant.last_used_at.desc(), OAuthGrant.id)
    )
    return [GrantRow._make(row) for row in tx.execute(found)]


def clients(tx: Session, ids: Collection[str]) -> dict[str, ClientRow]:
    """Return these clients by id."""
    columns = [getattr(OAuthClient, name) for name in ClientRow._fields]
    found = select(*columns).where(OAuthClient.id.in_(ids))
    return {row.id: ClientRow._make(row) for row in tx.execute(found)}


def scope_words(tx: Session, resources: Collection[str]) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the name of each of these resources, and the words of its scopes."""
    columns = (OAuthResource.identifier, OAuthResource.name, OAuthResource.scopes)
    found = tx.execute(select(*columns).where(OAuthResource.identifier.in_(resources)))
    return {row.identifier: (row.name, row.scopes) for row in found}


def names_by_session(
    tx: Session, user_id: int, session_ids: Collection[UUID], now: datetime
) -> Sequence[tuple[UUID, str]]:
    """Return each of these sessions with the name of each client that has access through it, sorted."""
    found = (
        select(OAuthGrant.session_id, OAuthClient.name)
        .join(OAuthClient, OAuthClient.id == OAuthGrant.client_id)
        .outerjoin(UserSession, UserSession.id == OAuthGrant.session_id)
        .where(OAuthGrant.user_id == user_id, OAuthGrant.session_id.in_(session_ids), *_is_living(now))
        .distinct()
        .order_by(OAuthClient.name)
    )
    return [(row.session_id, row.name) for row in tx.execute(found)]


def names_not_told(
    tx: Session, user_id: int, session_id: UUID, now: datetime, *, but: str | None, limit: int
) -> list[str]:
    """Return the names of clients with access through this session that are not told of its end, sorted.

    They have no address for back-channel logout. `but` is a client that is left out.
    """
    found = (
        select(OAuthClient.name)
        .join(OAuthGrant, OAuthGrant.client_id == OAuthClient.id)
        .outerjoin(UserSession, UserSession.id == OAuthGrant.session_id)
        .where(OAuthGrant.user_id == user_id, OAuthGrant.session_id == session_id, *_is_living(now))
        .where(OAuthClient.backchannel_uri.is_(None), OAuthClient.id != (but or ""))
        .distinct()
        .order_by(OAuthClient.name)
        .limit(limit)
    )
    return [*tx.execute(found).scalars()]


def end_access(tx: Session, user_id: int, client_id: str, reason: str, now: datetime) -> int:
    """End everything that the client may do with the account; return how many rows that were.

    The codes go first. A call that redeems one holds its row, and this waits for it; the grant that it made
    is then seen by the next statement.
    """
    codes = delete(OAuthCode).where(OAuthCode.user_id == user_id, OAuthCode.client_id == client_id)
    tx.execute(codes)
    granted = (OAuthGrant.user_id == user_id, OAuthGrant.client_id == client_id)
    living = (*granted, OAuthGrant.ended_at.is_(None))
    lock_grants(tx, *living)
    ended = update(OAuthGrant).where(*living)
    count = len(tx.execute(ended.values(ended_at=now, end_reason=reason).returning(OAuthGrant.id)).all())
    allowed = (OAuthConsent.user_id == user_id, OAuthConsent.client_id == client_id)
    removed = tx.execute(delete(OAuthConsent).where(*allowed).returning(OAuthConsent.client_id))
    return count + len(removed.all())


def void_codes(tx: Session, user_id: int) -> None:
    """Delete the codes of the account that were not redeemed."""
    tx.execute(delete(OAuthCode).where(OAuthCode.user_id == user_id, OAuthCode.used_at.is_(None)))


def forget_consents(tx: Session, user_id: int, *, since: datetime) -> None:
    """Delete what the account allowed at this time or later."""
    tx.execute(delete(OAuthConsent).where(OAuthConsent.user_id == user_id, OAuthConsent.granted_at >= since))


def forget_person(tx: Session, user_id: int) -> None:
    """Remove session, address and user agent from the grants of an account, which stay without it."""
    share_clients_of_user(tx, user_id)
    lock_grants(tx, OAuthGrant.user_id == user_id)
    mine = update(OAuthGrant).where(OAuthGrant.user_id == user_id)
    tx.execute(mine.values(session_id=OAuthGrant.id, ip_address=None, user_agent=""))


def _is_living(now: datetime) -> tuple[ColumnElement[bool], ...]:
    in_session = (
        UserSession.ended_at.is_(None) & (UserSession.idle_end > now) & (UserSession.absolute_end > now)
    )
    return (
        OAuthGrant.ended_at.is_(None),
        OAuthGrant.idle_end > now,
        OAuthGrant.absolute_end > now,
        or_(OAuthGrant.offline, (UserSession.id.is_not(None)) & in_session),
    )
