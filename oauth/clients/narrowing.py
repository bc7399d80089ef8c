"""What covers more than its client may ask for, after a change of the client: grants and codes."""

from uuid import UUID

from sqlalchemy.orm import Session

from oauth.clients.definition import SCOPES, Definition
from oauth.stores import clients
from oauth.stores.clients import ClientGrant


def is_narrower(before: Definition, after: Definition) -> bool:
    """Whether a client may ask for less than before, or at fewer addresses: then its codes are void."""
    had, has = ({*each.scopes, *each.resources, *each.redirect_uris} for each in (before, after))
    return not had <= has


def grants_beyond(tx: Session, client_id: str, definition: Definition) -> list[UUID]:
    """Return the living grants that cover more than the client may ask for by this definition."""
    return [each.id for each in clients.living_grants(tx, client_id) if _is_beyond(each, definition)]


def _is_beyond(grant: ClientGrant, definition: Definition) -> bool:
    # Scopes of a resource are granted with the resource.
    standard = set(grant.scopes) & set(SCOPES)
    if grant.offline:
        standard.add("offline_access")
    return not standard <= set(definition.scopes) or grant.resource not in {None, *definition.resources}
