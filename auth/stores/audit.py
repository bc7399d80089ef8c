"""The audit log: one row for each action, written in the transaction of the change."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth.events import Event, Refusal
from models import AuditEvent
from utils.client_info import ClientInfo
from utils.database import insert_into


def append(
    session: Session,
    event: Event,
    now: datetime,
    client: ClientInfo,
    *,
    user_id: int | None = None,
    session_id: UUID | None = None,
    reason: Refusal | None = None,
    operator: str | None = None,
    count: int = 1,
) -> None:
    """Write down that this happened, once."""
    session.execute(
        insert_into(session, AuditEvent).values(
            event=event,
            user_id=user_id,
            session_id=session_id,
            reason=reason,
            operator=operator,
            count=count,
            **_facts(now, client),
        )
    )


def count_unknown_login(session: Session, login_digest: str, now: datetime, client: ClientInfo) -> None:
    """Count a sign-in for a name that does not exist: one row for each network and minute.

    People type passwords into the name field, so only the keyed digest of the first one is kept.
    """
    under = f"{Event.SIGN_IN_REFUSED}:{client.network}:{now:%Y-%m-%dT%H:%M}"
    counted = insert_into(session, AuditEvent).values(
        event=Event.SIGN_IN_REFUSED,
        reason=Refusal.UNKNOWN,
        count=1,
        subject_digest=login_digest,
        counted_under=under,
        **_facts(now, client),
    )
    session.execute(
        counted.on_conflict_do_update(
            index_elements=[AuditEvent.counted_under], set_={"count": AuditEvent.count + 1}
        )
    )


def latest(session: Session, user_id: int, limit: int) -> Sequence[AuditEvent]:
    """The last events of an account, the newest first."""
    return session.scalars(
        select(AuditEvent).where(AuditEvent.user_id == user_id).order_by(AuditEvent.id.desc()).limit(limit)
    ).all()


def prune(session: Session, before: datetime, slice_size: int) -> int:
    """Delete at most so many events from before this moment; how many there were."""
    some = select(AuditEvent.id).where(AuditEvent.at < before).limit(slice_size)
    deleted = delete(AuditEvent).where(AuditEvent.id.in_(some)).returning(AuditEvent.id)
    return len(session.execute(deleted.execution_options(synchronize_session=False)).all())


def _facts(now: datetime, client: ClientInfo) -> dict[str, object]:
    return {
        "at": now,
        "ip_address": client.address,
        "user_agent": client.user_agent,
        "request_id": client.request_id,
    }
