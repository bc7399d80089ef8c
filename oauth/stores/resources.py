"""Resources, and the clients that may ask for them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.orm import Session

from oauth.stores.row_locks import lock_grants
from tables.oauth import OAuthClientResource, OAuthCode, OAuthGrant, OAuthResource


class Resource(NamedTuple):
    """A resource that a client may ask for. `scopes` has the words of each scope for the consent page."""

    identifier: str
    name: str
    scopes: dict[str, str]
    is_default: bool


class RegisteredResource(NamedTuple):
    """A resource, and the client by which it authenticates."""

    identifier: str
    client_id: str
    name: str
    scopes: dict[str, str]
    created_at: datetime


def of_client(tx: Session, client_id: str) -> list[Resource]:
    """Return the resources that this client may ask for, by identifier."""
    found = (
        select(
            OAuthResource.identifier,
            OAuthResource.name,
            OAuthResource.scopes,
            OAuthClientResource.is_default,
        )
        .join(OAuthClientResource, OAuthClientResource.resource == OAuthResource.identifier)
        .where(OAuthClientResource.client_id == client_id)
        .order_by(OAuthResource.identifier)
    )
    return [Resource._make(row) for row in tx.execute(found)]


def scopes_of_others(tx: Session, client_id: str) -> set[str]:
    """Return the scopes of the resources that this client may not ask for."""
    mine = select(OAuthClientResource.resource).where(OAuthClientResource.client_id == client_id)
    found = tx.scalars(select(OAuthResource.scopes).where(OAuthResource.identifier.not_in(mine)))
    return {scope for scopes in found for scope in scopes}


def find(tx: Session, identifier: str) -> RegisteredResource | None:
    """Return the resource of this identifier."""
    row = tx.execute(_registered().where(OAuthResource.identifier == identifier)).one_or_none()
    return RegisteredResource._make(row) if row else None


def every(tx: Session) -> Sequence[RegisteredResource]:
    """Return all resources, by identifier."""
    return [RegisteredResource._make(row) for row in tx.execute(_registered())]


def of_resource_client(tx: Session, client_id: str) -> Sequence[RegisteredResource]:
    """Return the resources that this client is."""
    return [
        RegisteredResource._make(row)
        for row in tx.execute(_registered().where(OAuthResource.client_id == client_id))
    ]


def known(tx: Session, identifiers: Collection[str]) -> set[str]:
    """Return those of the identifiers that are registered."""
    found = select(OAuthResource.identifier).where(OAuthResource.identifier.in_(identifiers))
    return set(tx.scalars(found))


def add(
    tx: Session, identifier: str, client_id: str, name: str, scopes: Mapping[str, str], now: datetime
) -> None:
    """Add a resource."""
    values = {"identifier": identifier, "client_id": client_id, "name": name, "scopes": dict(scopes)}
    tx.execute(insert(OAuthResource).values(**values, created_at=now))


def change(tx: Session, identifier: str, name: str, scopes: Mapping[str, str]) -> None:
    """Replace the name and the scopes of a resource."""
    mine = update(OAuthResource).where(OAuthResource.identifier == identifier)
    tx.execute(mine.values(name=name, scopes=dict(scopes)))


def remove(tx: Session, identifier: str) -> None:
    """Delete a resource. No client may ask for it any more."""
    tx.execute(delete(OAuthResource).where(OAuthResource.identifier == identifier))


def end_grants(tx: Session, identifier: str, reason: str, now: datetime) -> int:
    """End every grant for this resource that lives; return how many."""
    living = (OAuthGrant.resource == identifier, OAuthGrant.ended_at.is_(None))
    lock_grants(tx, *living)
    ended = update(OAuthGrant).where(*living).values(ended_at=now, end_reason=reason)
    return len(tx.execute(ended.returning(OAuthGrant.id)).all())


def living_grants(tx: Session, identifier: str) -> list[tuple[UUID, list[str]]]:
    """Return each grant for this resource that has not ended, with its scopes."""
    living = (OAuthGrant.resource == identifier, OAuthGrant.ended_at.is_(None))
    found = tx.execute(select(OAuthGrant.id, OAuthGrant.scopes).where(*living))
    return [(grant_id, scopes) for grant_id, scopes in found]


def void_codes(tx: Session, identifier: str) -> None:
    """Delete the codes for this resource that were not redeemed. Its clients must be locked."""
    tx.execute(delete(OAuthCode).where(OAuthCode.resource == identifier, OAuthCode.used_at.is_(None)))


def assign(tx: Session, client_id: str, identifiers: Sequence[str]) -> None:
    """Let a client ask for these resources and no others. The first one is its default."""
    tx.execute(delete(OAuthClientResource).where(OAuthClientResource.client_id == client_id))
    rows = [
        {"client_id": client_id, "resource": each, "is_default": place == 0}
        for place, each in enumerate(identifiers)
    ]
    if rows:
        tx.execute(insert(OAuthClientResource), rows)


def _registered() -> Select[Any]:
    columns = [getattr(OAuthResource, name) for name in RegisteredResource._fields]
    return select(*columns).order_by(OAuthResource.identifier)
