"""Sessions that the confirmation of a sign-up began: the password was entered at the registration."""

from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select

from models import User, UserSession
from utils.database.reads import Reads

_SESSIONS, _USERS = cast(Table, UserSession.__table__).c, cast(Table, User.__table__).c
# By the time of the registration, which may be later by the clock of another machine.
_EARLIER = select(_SESSIONS.id).where(
    _SESSIONS.id == bindparam("id"),
    _USERS.id == _SESSIONS.user_id,
    _SESSIONS.auth_time == _USERS.created_at,
    _SESSIONS.auth_time != _SESSIONS.created_at,
)


def is_earlier(reads: Reads, session_id: UUID) -> bool:
    """Whether the proof of this session is that of the registration, and no step-up followed."""
    return reads.first(_EARLIER, {"id": session_id}) is not None
