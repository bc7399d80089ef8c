"""What the database says about itself."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.events import Event, Refusal
from models import AuditEvent


def database_time(tx: Session) -> datetime | None:
    """Return the database's time; None if it has no clock of its own."""
    if tx.get_bind().dialect.name == "sqlite":
        return None
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def last_pruned(tx: Session) -> datetime | None:
    """Return when old rows were last pruned, as far as the audit log goes back."""
    return tx.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.event == Event.PRUNED))


class RefusedLinks(NamedTuple):
    """What is stored about refused links: how many, and the addresses of two requests."""

    total: int
    seen: tuple[str | None, ...]  # the address of the request in question; empty if it shares another's row
    has_address: bool  # whether a row has the address in question


def refused_links(tx: Session, since: datetime, request_id: str, address: str) -> RefusedLinks:
    """Return what is stored about refusals of unknown links since then."""
    recent = (
        AuditEvent.at >= since,
        AuditEvent.event == Event.LINK_REFUSED,
        AuditEvent.reason == Refusal.UNKNOWN,
    )
    total = tx.scalar(select(func.coalesce(func.sum(AuditEvent.count), 0)).where(*recent)) or 0
    seen = tx.scalars(select(AuditEvent.ip_address).where(*recent, AuditEvent.request_id == request_id))
    forged = select(AuditEvent.id).where(*recent, AuditEvent.ip_address == address)
    return RefusedLinks(total, tuple(seen), tx.scalar(forged.limit(1)) is not None)
