"""Resources, and the clients that may ask for them."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tables.oauth import OAuthClientResource, OAuthResource


class Resource(NamedTuple):
    """A resource that a client may ask for. `scopes` has the words of each scope for the consent page."""

    identifier: str
    name: str
    scopes: dict[str, str]
    is_default: bool


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
