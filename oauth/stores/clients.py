"""Clients."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tables.oauth import Client, OAuthClient

COLUMNS = [getattr(OAuthClient, name) for name in Client._fields]
_FOUND = select(*COLUMNS)


def find(tx: Session, client_id: str) -> Client | None:
    """Return the client of this id, disabled or not."""
    row = tx.execute(_FOUND.where(OAuthClient.id == client_id)).one_or_none()
    return Client._make(row) if row else None
