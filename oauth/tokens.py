"""The texts of the provider that are an id and a MAC: authorization codes, refresh tokens, session ids.

None of them is stored. Without the nonce or secret of its row, the key alone makes none.
"""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from utils.crypto.keys import derive_key, mac
from utils.crypto.signed_ids import Signer, secret_keys
from utils.services import Services

_HEAD = struct.Struct(">B16sQ")  # version, grant id, generation
_VERSION = 1
_CODE = Signer("authorization-code", b"authorization-code")
_REFRESH = Signer("client-refresh-token", b"client-refresh", _HEAD.size)
_TICKET_HEAD = struct.Struct(">8xQ")  # padding, and milliseconds since 1970
_TICKET = Signer("authorization-ticket", b"ticket", _TICKET_HEAD.size)


class CodeRow(Protocol):
    """What a code depends on: a row of `oauth_codes`, or a snapshot of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def nonce(self) -> bytes: ...


class GrantRow(Protocol):
    """What a refresh token depends on: a row of `oauth_grants`, or a snapshot of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def secret(self) -> bytes: ...
    @property
    def generation(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The parts of a refresh token of a client. Only the secret of its grant tells whether it is genuine."""

    grant_id: UUID
    generation: int
    mac: bytes


def code(services: Services, row: CodeRow) -> str:
    """Return the text of an authorization code: 64 characters of base64url."""
    return _CODE.text(services, row.id.bytes, row.id.bytes, row.nonce)


def code_id(text: str) -> UUID | None:
    """Return the id in a code, or None if the text cannot be one."""
    parts = _CODE.split(text)
    return UUID(bytes=parts[0]) if parts else None


def is_genuine_code(services: Services, text: str, row: CodeRow) -> bool:
    """Whether this service made the text for this row."""
    parts = _CODE.split(text)
    return parts is not None and _CODE.is_genuine(services, parts[1], row.id.bytes, row.nonce)


def refresh(services: Services, grant: GrantRow) -> str:
    """Return the refresh token of the present generation of a grant."""
    head = _HEAD.pack(_VERSION, grant.id.bytes, grant.generation)
    return _REFRESH.text(services, head, *_refresh_parts(grant, grant.generation))


def read_refresh(text: str) -> RefreshToken | None:
    """Return the parts of a refresh token of a client, or None if the text cannot be one."""
    parts = _REFRESH.split(text)
    if parts is None:
        return None
    version, grant_id, generation = _HEAD.unpack(parts[0])
    return RefreshToken(UUID(bytes=grant_id), generation, parts[1]) if version == _VERSION else None


def is_genuine_refresh(services: Services, token: RefreshToken, grant: GrantRow) -> bool:
    """Whether this service made the token for this grant."""
    return _REFRESH.is_genuine(services, token.mac, *_refresh_parts(grant, token.generation))


def _refresh_parts(grant: GrantRow, generation: int) -> tuple[bytes, ...]:
    return grant.id.bytes, generation.to_bytes(8, "big"), grant.secret


def sid(session_id: UUID, client_id: str) -> str:
    """Return the `sid` by which one client knows a session (43 characters; OpenID Connect Back-Channel, 2.1).

    Two clients cannot tell that they have the same session, and the session's own id is not told.
    """
    digest = sha256(b"sid\x00" + session_id.bytes + client_id.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def userinfo_audience(services: Services) -> str:
    """Return the audience of an access token that names no resource."""
    return f"{services.settings.public_url}/oauth/userinfo"


def ticket(services: Services, query: str, now: datetime) -> str:
    """Return the ticket of an authorization request: the time, bound by a MAC to the exact query string."""
    head = _TICKET_HEAD.pack(int(now.timestamp() * 1000))
    return _TICKET.text(services, head, head, query.encode())


def ticket_time(services: Services, text: str, query: str) -> datetime | None:
    """Return when a genuine ticket for this query was issued, or None."""
    parts = _TICKET.split(text)
    if parts is None or not _TICKET.is_genuine(services, parts[1], parts[0], query.encode()):
        return None
    (milliseconds,) = _TICKET_HEAD.unpack(parts[0])
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def client_digest(services: Services, *parts: str) -> bytes:
    """Return the digest of what a consent page showed of a client, under a key of this service."""
    key = derive_key(secret_keys(services)[0], "consent")
    return mac(key, *(part.encode() for part in parts))
