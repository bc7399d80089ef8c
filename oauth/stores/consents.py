"""Consents: what a person allowed a client."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from tables.oauth import OAuthConsent
from utils.database.engine import dialect_of, for_each_database


class Consent(NamedTuple):
    """What a person allowed a client, and the digest of what was shown of it.

    `scopes` has standard scopes as they are, and those of resources as `of_resource` returns them.
    """

    scopes: list[str]
    resources: list[str]
    client_digest: bytes


def of_resource(identifier: str, scope: str) -> str:
    """Return a scope of this resource as a consent has it. Neither part has a space."""
    return f"{identifier} {scope}"


def split(stored: str) -> tuple[str, str]:
    """Return the resource of a scope in a consent, empty for a standard scope, and the scope."""
    identifier, _, scope = stored.rpartition(" ")
    return identifier, scope


_TABLE = cast(Table, OAuthConsent.__table__)


def _upsert(insert: Callable[[Table], Any]) -> Any:
    given = insert(_TABLE)
    replaced = ("scopes", "resources", "client_digest", "granted_at")
    return given.on_conflict_do_update(
        index_elements=[_TABLE.c.user_id, _TABLE.c.client_id],
        set_={name: given.excluded[name] for name in replaced},
    )


_KEPT = for_each_database(_upsert)


def find(tx: Session, user_id: int, client_id: str) -> Consent | None:
    """Return what this account allowed this client."""
    columns = (OAuthConsent.scopes, OAuthConsent.resources, OAuthConsent.client_digest)
    mine = (OAuthConsent.user_id == user_id, OAuthConsent.client_id == client_id)
    row = tx.execute(select(*columns).where(*mine)).one_or_none()
    return Consent._make(row) if row else None


def keep(
    tx: Session,
    user_id: int,
    client_id: str,
    *,
    scopes: Sequence[str],
    resources: Sequence[str],
    client_digest: bytes,
    now: datetime,
) -> None:
    """Replace the consent of this account to this client. Both must be locked against erasure."""
    values = {"user_id": user_id, "client_id": client_id, "scopes": [*scopes], "resources": [*resources]}
    tx.execute(_KEPT[dialect_of(tx)], values | {"client_digest": client_digest, "granted_at": now})
