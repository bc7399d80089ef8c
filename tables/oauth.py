"""The tables of the OpenID Connect provider: clients, consents, codes, grants, keys, notices."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tables.base import Base, BigKey, partial_index

IDENTIFIER = 500  # characters of the identifier of a resource


class Client(NamedTuple):
    """A snapshot of a client: plain values, read by one statement. Columns of `oauth_clients`."""

    id: str
    name: str
    kind: str
    uri: str | None
    policy_uri: str | None
    terms_uri: str | None
    redirect_uris: list[str]
    post_logout_uris: list[str]
    backchannel_uri: str | None
    scopes: list[str]
    pkce: str
    trusted: bool
    id_token_alg: str
    claims_in_id_token: bool
    takes_unverified: bool
    require_factor: bool
    required_permission: str | None
    created_at: datetime
    disabled_at: datetime | None


class OAuthClient(Base):
    """An application that lets people log in with this service, or a resource that takes its tokens.

    `kind` is `web` (a confidential client), `spa` or `native` (public ones), or `resource`.
    """

    __tablename__ = "oauth_clients"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(10))
    preset: Mapped[str | None] = mapped_column(String(40))  # it was registered with, for its snippet
    uri: Mapped[str | None] = mapped_column(String(2048))
    policy_uri: Mapped[str | None] = mapped_column(String(2048))  # its privacy policy
    terms_uri: Mapped[str | None] = mapped_column(String(2048))
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    post_logout_uris: Mapped[list[str]] = mapped_column(JSON)
    backchannel_uri: Mapped[str | None] = mapped_column(String(2048))
    scopes: Mapped[list[str]] = mapped_column(JSON)  # those that it may ask for
    pkce: Mapped[str] = mapped_column(String(10))  # required or optional
    trusted: Mapped[bool]  # no consent is asked for
    id_token_alg: Mapped[str] = mapped_column(String(5))  # RS256 or ES256
    claims_in_id_token: Mapped[bool]  # else in userinfo only
    takes_unverified: Mapped[bool]  # it is told unconfirmed addresses, too
    require_factor: Mapped[bool]
    required_permission: Mapped[str | None] = mapped_column(String(120))  # its users need it
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(80))
    last_used_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    notices_after: Mapped[datetime | None]  # no notice is delivered to it before; also a deliverer's lease
    notice_failures: Mapped[int] = mapped_column(default=0)  # in a row


class OAuthClientSecret(Base):
    """A secret of a confidential client, as a digest. Two may live while one replaces the other."""

    __tablename__ = "oauth_client_secrets"
    __table_args__ = (
        Index("ix_oauth_client_secrets_client_id", "client_id"),
        Index("ix_oauth_client_secrets_expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class OAuthResource(Base):
    """A resource server (RFC 8707), with the words of its scopes for the consent page."""

    __tablename__ = "oauth_resources"
    __table_args__ = (Index("ix_oauth_resources_client_id", "client_id"),)

    identifier: Mapped[str] = mapped_column(String(IDENTIFIER), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[dict[str, str]] = mapped_column(JSON)  # the words by scope
    created_at: Mapped[datetime]


class OAuthClientResource(Base):
    """A resource that a client may ask for. The default is meant when it names none."""

    __tablename__ = "oauth_client_resources"
    __table_args__ = (Index("ix_oauth_client_resources_resource", "resource"),)

    client_id: Mapped[str] = mapped_column(
        ForeignKey("oauth_clients.id", ondelete="CASCADE"), primary_key=True
    )
    resource: Mapped[str] = mapped_column(
        String(IDENTIFIER), ForeignKey("oauth_resources.identifier", ondelete="CASCADE"), primary_key=True
    )
    is_default: Mapped[bool]


class OAuthConsent(Base):
    """What a person allowed a client. `client_digest` is of the name and hosts that were shown.

    A scope of a resource is stored as `identifier scope`, a standard one alone.
    """

    __tablename__ = "oauth_consents"
    __table_args__ = (Index("ix_oauth_consents_client_id", "client_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        ForeignKey("oauth_clients.id", ondelete="CASCADE"), primary_key=True
    )
    scopes: Mapped[list[str]] = mapped_column(JSON)
    resources: Mapped[list[str]] = mapped_column(JSON)
    client_digest: Mapped[bytes]
    granted_at: Mapped[datetime]


class OAuthCode(Base):
    """An authorization code (RFC 6749, 4.1.2), used once. `grant_id` is the grant it was redeemed for."""

    __tablename__ = "oauth_codes"
    __table_args__ = (
        Index("ix_oauth_codes_expires_at", "expires_at"),
        Index("ix_oauth_codes_user_id", "user_id"),
        Index("ix_oauth_codes_client_id", "client_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    session_id: Mapped[UUID]
    nonce: Mapped[bytes]
    redirect_uri: Mapped[str] = mapped_column(String(2048))
    code_challenge: Mapped[str | None] = mapped_column(String(43))
    oidc_nonce: Mapped[str | None] = mapped_column(String(512))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    resource: Mapped[str | None] = mapped_column(String(IDENTIFIER))
    auth_time: Mapped[datetime]
    amr: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    grant_id: Mapped[UUID | None]


class OAuthGrant(Base):
    """One authorization that lives: its refresh tokens rotate this row, and access tokens name it as `gid`.

    Account and client are empty after they were erased or removed, so that its end is still told. A grant
    that is bound to a session ends with it; an offline one does not.
    """

    __tablename__ = "oauth_grants"
    __table_args__ = (
        Index("ix_oauth_grants_user_id_ended_at", "user_id", "ended_at"),
        Index("ix_oauth_grants_client_id_user_id", "client_id", "user_id"),
        Index("ix_oauth_grants_session_id", "session_id"),
        Index("ix_oauth_grants_absolute_end", "absolute_end"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    client_id: Mapped[str | None] = mapped_column(ForeignKey("oauth_clients.id", ondelete="SET NULL"))
    session_id: Mapped[UUID]  # in which it was given
    sid: Mapped[str] = mapped_column(String(43))  # that session, as this client is told it
    secret: Mapped[bytes]
    generation: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime | None]
    scopes: Mapped[list[str]] = mapped_column(JSON)
    resource: Mapped[str | None] = mapped_column(String(IDENTIFIER))
    offline: Mapped[bool]
    auth_time: Mapped[datetime]
    amr: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    idle_end: Mapped[datetime]
    absolute_end: Mapped[datetime]
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(512))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))


partial_index("ix_oauth_grants_ended", OAuthGrant.ended_at, OAuthGrant.ended_at.is_not(None))


class SigningKey(Base):
    """A key pair that signs tokens for clients. The private part is erased when it stops signing."""

    __tablename__ = "signing_keys"
    __table_args__ = (UniqueConstraint("alg", "predecessor"),)

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)  # RFC 7638
    alg: Mapped[str] = mapped_column(String(5))  # RS256 or ES256
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed_private: Mapped[bytes | None]
    key_id: Mapped[str] = mapped_column(String(12))  # the id of its encryption key
    predecessor: Mapped[str] = mapped_column(String(43))  # the `kid` that it replaces; empty for the first
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    signs_until: Mapped[datetime]
    published_until: Mapped[datetime]
    leaked_at: Mapped[datetime | None]


class OAuthNotice(Base):
    """A back-channel logout that a client is to be told. `user_id` is no foreign key: it outlives erasure."""

    __tablename__ = "oauth_notices"
    __table_args__ = (
        Index("ix_oauth_notices_due_at", "due_at"),
        Index("ix_oauth_notices_client_id_due_at", "client_id", "due_at"),
        Index("ix_oauth_notices_created_at", "created_at"),
        UniqueConstraint("client_id", "sid"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)  # the `jti` of its token
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    sid: Mapped[str] = mapped_column(String(43))
    user_id: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # empty when it was sent or given up
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(120))
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]


class OAuthRefusal(Base):
    """Refused calls of a client in a minute, counted by reason, for `explain-client`."""

    __tablename__ = "oauth_refusals"
    __table_args__ = (
        Index("ix_oauth_refusals_at", "at"),
        UniqueConstraint("client_id", "reason", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]  # the minute
    step: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(512))  # of the first one, for operators
    request_id: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]
