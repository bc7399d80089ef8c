"""Access tokens of clients when they come back: the claims that this service put in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from utils.services import Services

TYPE = "at+jwt"
ALG = "ES256"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A genuine access token of a client. Only its grant tells whether it counts."""

    grant_id: UUID
    client_id: str
    audience: str
    scopes: tuple[str, ...]
    claims: Mapping[str, Any]


def read(services: Services, text: str, *, allow_expired: bool = False) -> AccessToken | None:
    """Return an access token that this service signed for a client, else None."""
    claims = services.signer.read(services, text, TYPE, allow_expired=allow_expired)
    if claims is None:
        return None
    gid, client_id, audience = claims.get("gid"), claims.get("client_id"), claims.get("aud")
    scope = claims.get("scope")
    if not all(isinstance(each, str) for each in (gid, client_id, audience, scope)):
        return None
    try:
        grant_id = UUID(gid)
    except ValueError:
        return None
    return AccessToken(grant_id, str(client_id), str(audience), tuple(str(scope).split()), claims)
