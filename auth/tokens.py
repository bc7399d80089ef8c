"""The access and refresh token that a living session is worth."""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import UserSession
from utils import access_tokens
from utils.crypto import derive_key, is_mac, mac
from utils.services import Services

# Version, session id, generation; the MAC follows.
_HEAD = struct.Struct(">B16sQ")
_VERSION = 1
_MAC_BYTES = 32
_TEXT_LENGTH = 4 * (_HEAD.size + _MAC_BYTES) // 3  # divides evenly, so there is no padding


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds. `keep_until` says how long a cookie lives, None for the browser's session."""

    access_token: str
    refresh_token: str
    expires_in: int
    keep_until: datetime | None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token taken apart; whether it is genuine only its session's secret can tell."""

    session_id: UUID
    generation: int
    mac: bytes


def issue(services: Services, session: UserSession, now: datetime) -> TokenPair:
    """The pair for the session's present generation, which always has the same refresh token."""
    return TokenPair(
        access_token=access_tokens.sign(services, session.user_id, session.id, now),
        refresh_token=_refresh_token(services, session),
        expires_in=access_tokens.lifetime(services),
        keep_until=min(session.idle_end, session.absolute_end) if session.remembered else None,
    )


def read_refresh(text: str) -> RefreshToken | None:
    """The parts of a refresh token, or None for what cannot be one."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{_TEXT_LENGTH}}}", text):
        return None
    try:
        raw = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        return None
    version, session_id, generation = _HEAD.unpack(raw[: _HEAD.size])
    if version != _VERSION:
        return None
    return RefreshToken(UUID(bytes=session_id), generation, raw[_HEAD.size :])


def is_genuine(services: Services, token: RefreshToken, session: UserSession) -> bool:
    """Whether this service made the token for this session, under its present or a previous key."""
    parts = _signed_parts(session, token.generation)
    return is_mac(token.mac, (derive_key(key, "refresh-token") for key in _keys(services)), *parts)


def _refresh_token(services: Services, session: UserSession) -> str:
    key = derive_key(_keys(services)[0], "refresh-token")
    head = _HEAD.pack(_VERSION, session.id.bytes, session.generation)
    return base64.urlsafe_b64encode(head + mac(key, *_signed_parts(session, session.generation))).decode()


def _signed_parts(session: UserSession, generation: int) -> tuple[bytes, ...]:
    # With the session's own secret in it, neither the key nor the database alone makes a token.
    return b"refresh", session.id.bytes, generation.to_bytes(8, "big"), session.secret


def _keys(services: Services) -> tuple[str, ...]:
    return services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys
