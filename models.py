"""The tables: columns, constraints and what of them may be shown. No queries, no crypto, no config.

Times are UTC and aware wherever Python sees them. `username_key` and `email_key` are
the canonical forms that decide who is the same; they are computed in Python
(`auth.stores.users`), because no two databases fold case alike.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Uuid,
    and_,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import TypeDecorator

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, also on SQLite, which has no zones and would hand back a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The typed base of every table."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={datetime: UtcDateTime, UUID: Uuid, bytes: LargeBinary},
    )


# Nothing that a statement changes is held as an object: sessions need not be synchronized with it.
db = SQLAlchemy(model_class=Base, session_options={"execution_options": {"synchronize_session": False}})

# SQLite gives only an INTEGER key that grows by itself.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class Account(NamedTuple):
    """A user as one statement read it: plain values that stay true to that moment."""

    id: int
    username: str
    email: str
    password_hash: str | None
    created_at: datetime
    email_verified_at: datetime | None
    disabled_at: datetime | None
    deletion_due_at: datetime | None
    password_blocked_at: datetime | None
    tokens_valid_after: datetime
    failures: int
    two_factor_at: datetime | None
    recovery_codes_left: int
    factors_reset_due_at: datetime | None


def _partial(name: str, column: Any, where: ColumnElement[bool]) -> Index:
    """An index over the few rows that a rare question is about."""
    return Index(name, column, sqlite_where=where, postgresql_where=where)


class User(Base):
    """A person's account. `id` never comes back, not even after the account is erased."""

    __tablename__ = "users"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    username_key: Mapped[str] = mapped_column(String(160), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(512), unique=True)  # IDNA lengthens
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    email_verified_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]  # set and cleared by operators only
    deletion_due_at: Mapped[datetime | None]  # set by the owner who leaves, cleared by the owner's restoring
    password_blocked_at: Mapped[datetime | None]  # cleared by a reset
    tokens_valid_after: Mapped[datetime]
    # Wrong passwords in a row from devices that the account does not know.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    # Since when a password alone opens nothing. With the number of recovery codes it stands here too,
    # so that a guarded call still asks one statement of one row.
    two_factor_at: Mapped[datetime | None]
    recovery_codes_left: Mapped[int] = mapped_column(default=0, server_default="0")
    # Set by operators, cleared by the owner who still has a factor: then all of them are forgotten.
    factors_reset_due_at: Mapped[datetime | None]
    # Tries at second factors: how many in the present window, and when that ends.
    factor_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    factor_tries_end_at: Mapped[datetime | None]
    terms_accepted_at: Mapped[datetime | None]
    terms_version: Mapped[str | None] = mapped_column(String(32))  # which terms were accepted then

    def to_dict(self) -> dict[str, Any]:
        """What a person and their frontends may see; never the hash."""
        return public_fields(self)


_partial("ix_users_deletion_due_at", User.deletion_due_at, User.deletion_due_at.is_not(None))
_partial("ix_users_factors_reset_due_at", User.factors_reset_due_at, User.factors_reset_due_at.is_not(None))
_partial("ix_users_unconfirmed", User.created_at, User.email_verified_at.is_(None))


def public_fields(user: User | Account) -> dict[str, Any]:
    """The public fields of a user, whichever way it was read."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified_at is not None,
        "created_at": iso(user.created_at),
        "two_factor_enabled": user.two_factor_at is not None,
    }


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with its zone, as every time in an answer is written."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class UserSession(Base):
    """One signed-in device. However often its refresh token rotates, it stays one row."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_user_id_ended_at", "user_id", "ended_at"),
        Index("ix_sessions_absolute_end", "absolute_end"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    secret: Mapped[bytes]
    generation: Mapped[int] = mapped_column(default=0)
    remembered: Mapped[bool]
    amr: Mapped[str] = mapped_column(String(40))
    auth_time: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    idle_end: Mapped[datetime]
    absolute_end: Mapped[datetime]
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(512))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  # wrong passwords in a row from it
    factor_at: Mapped[datetime | None]  # when a second factor, or a passkey, was last proven in it


class SessionState(NamedTuple):
    """What the tokens of a session depend on, as one statement read it."""

    id: UUID
    user_id: int
    secret: bytes
    generation: int
    remembered: bool
    rotated_at: datetime | None
    idle_end: datetime
    absolute_end: datetime
    ended_at: datetime | None


class AuditEvent(Base):
    """One action, or one counted minute of refusals for names that do not exist."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_user_id_id", "user_id", "id"),
        Index("ix_audit_events_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    session_id: Mapped[UUID | None]
    operator: Mapped[str | None] = mapped_column(String(80))
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(512))
    request_id: Mapped[str] = mapped_column(String(40))
    count: Mapped[int] = mapped_column(default=1)
    subject_digest: Mapped[str | None] = mapped_column(String(64))
    counted_under: Mapped[str | None] = mapped_column(String(120), unique=True)


class OneTimeToken(Base):
    """What a mailed link stands for. The token itself is stored nowhere: it is an HMAC over this row.

    A row without a user costs an unknown address as many rows as a known one.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        Index("ix_one_time_tokens_user_id_purpose", "user_id", "purpose"),
        Index("ix_one_time_tokens_email_key", "email_key"),
        Index("ix_one_time_tokens_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    purpose: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))  # the address that it speaks for
    email_key: Mapped[str] = mapped_column(String(512))
    nonce: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OutgoingMail(Base):
    """A mail to be sent: which template, with which facts. The link in it is made when it is delivered."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_user_id", "user_id"),
        Index("ix_outbox_token_id", "token_id"),
        Index("ix_outbox_created_at", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    message_id: Mapped[UUID]  # a mail that goes twice after a crash is the same message
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, str]] = mapped_column(JSON)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    recipient: Mapped[str] = mapped_column(String(254))
    token_id: Mapped[UUID | None] = mapped_column(ForeignKey("one_time_tokens.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # the next try; while it is being delivered, the end of the lease
    attempts: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(60))
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]


_partial(
    "ix_outbox_due_at",
    OutgoingMail.due_at,
    and_(OutgoingMail.sent_at.is_(None), OutgoingMail.given_up_at.is_(None)),
)


class KnownDevice(Base):
    """A browser or app from which this account has logged in, recognized by its device token."""

    __tablename__ = "known_devices"
    __table_args__ = (Index("ix_known_devices_last_seen_at", "last_seen_at"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  # wrong passwords in a row from it
    trusted_until: Mapped[datetime | None]  # until when a log-in from it needs no second factor


class TotpFactor(Base):
    """The authenticator app of an account (RFC 6238): one at most, and none yet while it is not confirmed."""

    __tablename__ = "totp_factors"
    __table_args__ = (Index("ix_totp_factors_key_id", "key_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed_secret: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(String(12))  # under which master key it is sealed
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)  # the time step of the last code that was right


class RecoveryCode(Base):
    """A code that replaces a lost factor once. Only its digest is stored: it has 120 random bits."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_user_id", "user_id"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuthChallenge(Base):
    """A pending authentication challenge. `user_id` is NULL for a usernameless passkey login."""

    __tablename__ = "challenges"
    __table_args__ = (
        Index("ix_challenges_user_id", "user_id"),
        Index("ix_challenges_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    purpose: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    nonce: Mapped[bytes]
    remembered: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A passkey (WebAuthn): the public key, and what tells copies. `user_handle` is one for an account."""

    __tablename__ = "passkeys"
    __table_args__ = (Index("ix_passkeys_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_handle: Mapped[bytes]  # by which the authenticator knows whose it is; random
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class RateLimit(Base):
    """Calls of one subject in its present window, for processes that share no Redis."""

    __tablename__ = "rate_limits"
    __table_args__ = (Index("ix_rate_limits_ends_at", "ends_at"),)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    calls: Mapped[int]
    ends_at: Mapped[datetime]
