"""The tables of accounts: columns and constraints, and the public fields. No queries.

Times are UTC and aware. `username_key` and `email_key` are canonical forms with unique constraints; they are
computed in Python (`auth.stores.users`), because databases fold case
differently. The other tables are in `tables/`.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, and_, false, true
from sqlalchemy.orm import Mapped, mapped_column

import tables.oauth  # noqa: F401  (its tables belong to the same schema)
from tables.base import Base, BigKey, partial_index
from tables.base import UtcDateTime as UtcDateTime  # noqa: PLC0414  (exported, like `db`)
from tables.base import db as db  # noqa: PLC0414

MAX_TAG = 35  # of a language: what RFC 5646, 4.4.1 asks to be stored


class Account(NamedTuple):
    """A snapshot of a user: plain values, read by one statement."""

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
    locale: str | None


class User(Base):
    """An account. `id` is never reused, not even after the account is erased."""

    __tablename__ = "users"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    username_key: Mapped[str] = mapped_column(String(160), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(512), unique=True)  # IDNA can lengthen it
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    origin: Mapped[str | None] = mapped_column(String(20))  # who created it; NULL in rows of release 0.1.0
    kept_at: Mapped[datetime | None]  # when it was found to stay although its address is unconfirmed
    email_verified_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]  # set and cleared by operators only
    deletion_due_at: Mapped[datetime | None]  # set and cleared by the owner or an operator
    password_blocked_at: Mapped[datetime | None]  # cleared by a reset
    tokens_valid_after: Mapped[datetime]
    # Consecutive wrong passwords from unknown devices.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    # When the second factor was enabled. This and the number of recovery codes are denormalized, so that an
    # authenticated request reads one row.
    two_factor_at: Mapped[datetime | None]
    recovery_codes_left: Mapped[int] = mapped_column(default=0, server_default="0")
    # Set by operators, cleared by an owner who still has a factor. When due, all factors are removed.
    factors_reset_due_at: Mapped[datetime | None]
    # Wrong second factors in the current window, and its end.
    factor_tries: Mapped[int] = mapped_column(default=0, server_default="0")
    factor_tries_end_at: Mapped[datetime | None]
    terms_accepted_at: Mapped[datetime | None]
    terms_version: Mapped[str | None] = mapped_column(String(32))  # the version that was accepted
    # Tags (BCP 47) of installed languages: the one that the owner chose, and that of the sign-up.
    locale: Mapped[str | None] = mapped_column(String(MAX_TAG))
    signup_locale: Mapped[str | None] = mapped_column(String(MAX_TAG))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that the API sends to the user; never the hash."""
        return public_fields(self)


partial_index("ix_users_deletion_due_at", User.deletion_due_at, User.deletion_due_at.is_not(None))
partial_index(
    "ix_users_factors_reset_due_at", User.factors_reset_due_at, User.factors_reset_due_at.is_not(None)
)
partial_index(
    "ix_users_undecided",
    User.created_at,
    and_(User.email_verified_at.is_(None), User.kept_at.is_(None), User.origin.is_not(None)),
)
partial_index("ix_users_unconfirmed", User.created_at, User.email_verified_at.is_(None))


def public_fields(user: User | Account) -> dict[str, Any]:
    """Return the public fields of a user or a snapshot of one."""
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "email_verified": user.email_verified_at is not None,
        "created_at": iso(user.created_at),
        "two_factor_enabled": user.two_factor_at is not None,
        "locale": user.locale,
    }


def iso(moment: datetime) -> str:
    """Return the time in ISO 8601, UTC with `Z`, as in all responses."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class UserSession(Base):
    """A session. Rotations of its refresh token update this row."""

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
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  # consecutive wrong passwords in it
    factor_at: Mapped[datetime | None]  # when a second factor or passkey was last verified


class SessionState(NamedTuple):
    """A snapshot of a session: the values that its tokens depend on."""

    id: UUID
    user_id: int
    secret: bytes
    generation: int
    remembered: bool
    rotated_at: datetime | None
    idle_end: datetime
    absolute_end: datetime
    ended_at: datetime | None
    auth_time: datetime


class AuditEvent(Base):
    """An action, or the number of refusals per minute for unknown names."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_user_id_id", "user_id", "id"),
        Index("ix_audit_events_at", "at"),
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
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
    # The account that acted on this one. Not a foreign key: the log outlives it, and ids are not reused.
    actor_id: Mapped[int | None]
    detail: Mapped[str | None] = mapped_column(String(120))  # what it is about, such as the name of a role
    subject_digest: Mapped[str | None] = mapped_column(String(64))
    counted_under: Mapped[str | None] = mapped_column(String(120), unique=True)


class Role(Base):
    """A named set of permissions. `admin` and `support` are built in: rows of the migration."""

    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    description: Mapped[str] = mapped_column(String(200), default="", server_default="")
    created_at: Mapped[datetime]


class RolePermission(Base):
    """A permission that a role holds."""

    __tablename__ = "role_permissions"

    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(String(81), primary_key=True)


class UserRole(Base):
    """A grant: an account has a role. `granted_by` is the account that gave it; NULL for an operator."""

    __tablename__ = "user_roles"
    __table_args__ = (Index("ix_user_roles_role_id", "role_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="RESTRICT"), primary_key=True)
    granted_at: Mapped[datetime]
    granted_by: Mapped[int | None]


class OneTimeToken(Base):
    """A one-time token of a mailed link. The token itself is not stored: it is an HMAC over this row.

    Rows without a user are written for unknown addresses, so that timing tells nothing.
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
    email: Mapped[str] = mapped_column(String(254))  # the address that it was sent to
    email_key: Mapped[str] = mapped_column(String(512))
    address_proven: Mapped[bool] = mapped_column(default=True, server_default=true())  # when it was issued
    nonce: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OutgoingMail(Base):
    """A mail to send: a template and its values. Its link is generated at delivery."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_user_id", "user_id"),
        Index("ix_outbox_token_id", "token_id"),
        Index("ix_outbox_created_at", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    message_id: Mapped[UUID]  # the same if the mail is sent twice after a crash
    template: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, str]] = mapped_column(JSON)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    recipient: Mapped[str] = mapped_column(String(254))
    token_id: Mapped[UUID | None] = mapped_column(ForeignKey("one_time_tokens.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # the next attempt; during delivery, the end of the lease
    attempts: Mapped[int]
    last_error: Mapped[str | None] = mapped_column(String(60))
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    # Whether it is still to be counted for the ceiling on mails to unproven addresses, before it is sent.
    to_count: Mapped[bool] = mapped_column(default=False, server_default=false())
    language: Mapped[str | None] = mapped_column(String(MAX_TAG))  # NULL: DEFAULT_LANGUAGE


partial_index(
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
    failures: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # consecutive wrong passwords from it
    totp_failures: Mapped[int] = mapped_column(default=0, server_default="0")  # the same of TOTP codes
    trusted_until: Mapped[datetime | None]  # until then, logins from it need no second factor
    reset_at: Mapped[datetime | None]  # of the password, by mail: the first one since the last login from it


class TotpFactor(Base):
    """The authenticator app of an account (RFC 6238), at most one. In use once `confirmed_at` is set."""

    __tablename__ = "totp_factors"
    __table_args__ = (Index("ix_totp_factors_key_id", "key_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sealed_secret: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(String(12))  # the id of its encryption key
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")  # consecutive, from unknown devices
    last_step: Mapped[int] = mapped_column(BigInteger)  # time step of the last accepted code, against replay


class RecoveryCode(Base):
    """A single-use recovery code with 120 random bits. Only its digest is stored."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_user_id", "user_id"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuthChallenge(Base):
    """A pending authentication challenge, or the used one of a login by passkey alone.

    `user_id` is NULL in rows of earlier releases, which stored the latter when they issued it.
    """

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
    """A passkey (WebAuthn). `user_handle` is the same for all passkeys of an account."""

    __tablename__ = "passkeys"
    __table_args__ = (Index("ix_passkeys_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_handle: Mapped[bytes]  # random; identifies the account to the authenticator
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    # After "this wasn't me" without proof of older access: it does not log in alone until it has logged in
    # together with the password.
    needs_password: Mapped[bool] = mapped_column(default=False, server_default=false())


class ApiToken(Base):
    """An API token. Only its digest is stored. `permissions` are sorted and separated by commas."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        Index("ix_api_tokens_user_id", "user_id"),
        Index("ix_api_tokens_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    permissions: Mapped[str] = mapped_column(Text)
    shown: Mapped[str] = mapped_column(String(4))  # its last characters, for the list
    by_factor: Mapped[bool]  # whether a second factor was proven when it was created
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ForeignHashKey(Base):
    """The key of a project, which the password hashes of its imported accounts depend on."""

    __tablename__ = "foreign_hash_keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)  # random; the hashes name it
    sealed_secret: Mapped[bytes]
    key_id: Mapped[str] = mapped_column(String(12))  # the id of its encryption key
    created_at: Mapped[datetime]


class FreedUsername(Base):
    """A user name that was given up, as a keyed digest. `user_id` is NULL for an erased account."""

    __tablename__ = "freed_usernames"
    __table_args__ = (
        Index("ix_freed_usernames_user_id", "user_id"),
        Index("ix_freed_usernames_ends_at", "ends_at"),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    ends_at: Mapped[datetime]


class Lease(Base):
    """The right to do some work alone until `ends_at`, over all processes."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    claimed_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class RateLimit(Base):
    """The count of a rate-limit window, for services without Redis."""

    __tablename__ = "rate_limits"
    __table_args__ = (Index("ix_rate_limits_ends_at", "ends_at"),)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    calls: Mapped[int]
    ends_at: Mapped[datetime]
