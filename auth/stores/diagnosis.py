"""What the database says about itself."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auth.events import Event
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
