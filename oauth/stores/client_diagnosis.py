"""What `doctor` asks about all clients. Each answer has their ids, sorted."""

from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from tables.oauth import OAuthClient, OAuthClientSecret, OAuthNotice

_ENABLED = OAuthClient.disabled_at.is_(None)
_LOGS_IN = OAuthClient.kind != "resource"


def count(tx: Session) -> int:
    """Return how many clients are enabled."""
    return tx.scalar(select(func.count()).select_from(OAuthClient).where(_ENABLED)) or 0


def without_pkce(tx: Session) -> list[str]:
    """Return the enabled clients that may leave PKCE out."""
    return _ids(tx, select(OAuthClient.id).where(_ENABLED, _LOGS_IN, OAuthClient.pkce == "optional"))


def never_used(tx: Session, registered_before: datetime) -> list[str]:
    """Return the enabled clients that were registered before this time and never used."""
    unused = (OAuthClient.last_used_at.is_(None), OAuthClient.created_at < registered_before)
    return _ids(tx, select(OAuthClient.id).where(_ENABLED, _LOGS_IN, *unused))


def with_old_secrets(tx: Session, made_before: datetime, now: datetime) -> list[str]:
    """Return the enabled clients with a valid secret that was made before this time."""
    is_valid = or_(OAuthClientSecret.expires_at.is_(None), OAuthClientSecret.expires_at > now)
    found = select(OAuthClient.id).join(OAuthClientSecret, OAuthClientSecret.client_id == OAuthClient.id)
    return _ids(tx, found.where(_ENABLED, is_valid, OAuthClientSecret.created_at < made_before))


def with_failing_notices(tx: Session, *, waiting_since: datetime, given_up_since: datetime) -> list[str]:
    """Return the clients with a notice that waits, or was given up, since these times."""
    waits = OAuthNotice.due_at.is_not(None) & (OAuthNotice.created_at < waiting_since)
    fails = or_(waits, OAuthNotice.given_up_at > given_up_since)
    return _ids(tx, select(OAuthNotice.client_id).where(fails))


def redirect_uris(tx: Session) -> dict[str, list[str]]:
    """Return the redirect addresses of each enabled client, by its id."""
    found = select(OAuthClient.id, OAuthClient.redirect_uris).where(_ENABLED, _LOGS_IN)
    return {row.id: row.redirect_uris for row in tx.execute(found.order_by(OAuthClient.id))}


def _ids(tx: Session, found: Select[str]) -> list[str]:
    return sorted(tx.scalars(found.distinct()))
