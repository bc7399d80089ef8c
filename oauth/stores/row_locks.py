"""Row locks of clients and grants, each in one order: by id.

A transaction locks clients before codes, and those before grants. One that changes several grants locks them
first, by rising id. So no two transactions wait for each other. On SQLite one transaction writes at a time,
and nothing is locked.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models import UserSession
from tables.oauth import OAuthClient, OAuthClientResource, OAuthCode, OAuthGrant, OAuthResource
from utils.database.engine import dialect_of


def lock_grants(tx: Session, *where: Any) -> None:
    """Lock the grants for which this holds against other changes, by rising id."""
    if dialect_of(tx) != "sqlite":
        found = select(OAuthGrant.id).where(*where).order_by(OAuthGrant.id).with_for_update(key_share=True)
        tx.execute(select(func.count()).select_from(found.subquery()))


def share_clients_of_user(tx: Session, user_id: int) -> bool:
    """Lock the clients that got a code or grant of this account, by rising id, against `lock_clients_of`.

    False if there is none: then there is nothing to end, and no client to tell.
    """
    return _share_clients(tx, OAuthGrant.user_id == user_id, OAuthCode.user_id == user_id)


def share_clients_of_sessions(tx: Session, session_ids: Sequence[UUID]) -> bool:
    """Lock as `share_clients_of_user`, for the accounts of these sessions."""
    users = select(UserSession.user_id).where(UserSession.id.in_(session_ids))
    return _share_clients(tx, OAuthGrant.user_id.in_(users), OAuthCode.user_id.in_(users))


def share_clients(tx: Session) -> None:
    """Lock all clients, by rising id, against `lock_clients_of`."""
    if dialect_of(tx) != "sqlite":
        every = select(OAuthClient.id).order_by(OAuthClient.id)
        tx.execute(every.with_for_update(read=True, key_share=True)).all()


def lock_clients_of(tx: Session, resource: str) -> None:
    """Lock the clients that may ask for a resource, and its own, by rising id.

    Until the end of the transaction no code of them is issued or redeemed.
    """
    asking = select(OAuthClientResource.client_id).where(OAuthClientResource.resource == resource)
    own = select(OAuthResource.client_id).where(OAuthResource.identifier == resource)
    concerned = or_(OAuthClient.id.in_(asking), OAuthClient.id.in_(own))
    tx.execute(select(OAuthClient.id).where(concerned).order_by(OAuthClient.id).with_for_update()).all()


def _share_clients(tx: Session, of_grants: Any, of_codes: Any) -> bool:
    granted = select(OAuthGrant.client_id).where(of_grants)
    asked = select(OAuthCode.client_id).where(of_codes)
    concerned = or_(OAuthClient.id.in_(granted), OAuthClient.id.in_(asked))
    found = select(OAuthClient.id).where(concerned).order_by(OAuthClient.id)
    return bool(tx.execute(found.with_for_update(read=True, key_share=True)).all())
