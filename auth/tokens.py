"""The tokens we make: the pair that a living session is worth, one-time tokens, challenges, device marks."""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import Account, AuthChallenge, OneTimeToken, SessionState
from utils.crypto import access_tokens
from utils.crypto.keys import derive_key, is_mac, mac
from utils.services import Services

# Version, session id, generation; the MAC follows.
_HEAD = struct.Struct(">B16sQ")
_VERSION = 1
_MAC_BYTES = 32
_ID_BYTES = 16  # like the head, together with a MAC it divides by three: there is no padding


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client holds. `keep_until` says how long a cookie lives, None for the browser's session."""

    access_token: str
    refresh_token: str
    expires_in: int
    keep_until: datetime | None
    is_setting_up: bool  # the access token is good for setting a second factor up, and for nothing else


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token taken apart; whether it is genuine only its session's secret can tell."""

    session_id: UUID
    generation: int
    mac: bytes


def issue(services: Services, session: SessionState, account: Account, now: datetime) -> TokenPair:
    """The pair for the session's present generation, which always has the same refresh token."""
    return TokenPair(
        access_token=access(services, account, session.id, now),
        refresh_token=_refresh_token(services, session),
        expires_in=access_tokens.lifetime(services),
        keep_until=min(session.idle_end, session.absolute_end) if session.remembered else None,
        is_setting_up=needs_enrollment(services, account),
    )


def access(services: Services, account: Account, session_id: UUID, now: datetime) -> str:
    """An access token of a session; one for setting up alone where the account lacks what is required."""
    setting_up = needs_enrollment(services, account)
    return access_tokens.sign(services, account.id, session_id, now, is_setting_up=setting_up)


def needs_enrollment(services: Services, account: Account) -> bool:
    """Whether a second factor is required of everybody, and this account has none."""
    return services.settings.require_second_factor and account.two_factor_at is None


def read_refresh(text: str) -> RefreshToken | None:
    """The parts of a refresh token, or None for what cannot be one."""
    raw = _unpacked(text, _HEAD.size)
    if raw is None:
        return None
    version, session_id, generation = _HEAD.unpack(raw[: _HEAD.size])
    if version != _VERSION:
        return None
    return RefreshToken(UUID(bytes=session_id), generation, raw[_HEAD.size :])


def is_genuine(services: Services, token: RefreshToken, session: SessionState) -> bool:
    """Whether this service made the token for this session, under its present or a previous key."""
    parts = _signed_parts(session, token.generation)
    return is_mac(token.mac, (derive_key(key, "refresh-token") for key in _keys(services)), *parts)


def _refresh_token(services: Services, session: SessionState) -> str:
    key = derive_key(_keys(services)[0], "refresh-token")
    head = _HEAD.pack(_VERSION, session.id.bytes, session.generation)
    return base64.urlsafe_b64encode(head + mac(key, *_signed_parts(session, session.generation))).decode()


def _signed_parts(session: SessionState, generation: int) -> tuple[bytes, ...]:
    # With the session's own secret in it, neither the key nor the database alone makes a token.
    return b"refresh", session.id.bytes, generation.to_bytes(8, "big"), session.secret


def one_time(services: Services, row: OneTimeToken) -> str:
    """The text of a one-time token: its id, and an HMAC over id, purpose and the row's nonce.

    Nothing that opens a door is stored. 64 characters, safe in a URL's fragment.
    """
    key = derive_key(_keys(services)[0], "one-time-token")
    return base64.urlsafe_b64encode(row.id.bytes + mac(key, *_one_time_parts(row))).decode()


def one_time_id(text: str) -> UUID | None:
    """The id that a one-time token or a challenge names, or None for what cannot be one."""
    raw = _unpacked(text, _ID_BYTES)
    return UUID(bytes=raw[:_ID_BYTES]) if raw else None


def is_genuine_one_time(services: Services, text: str, row: OneTimeToken) -> bool:
    """Whether this service made the text for this row, under its present or a previous key."""
    raw = _unpacked(text, _ID_BYTES)
    keys = (derive_key(key, "one-time-token") for key in _keys(services))
    return raw is not None and is_mac(raw[_ID_BYTES:], keys, *_one_time_parts(row))


def _one_time_parts(row: OneTimeToken) -> tuple[bytes, ...]:
    return b"one-time", row.id.bytes, row.purpose.encode(), row.nonce


def challenge(services: Services, row: AuthChallenge) -> str:
    """The text of a challenge: it proves that the password was right, and opens nothing by itself."""
    key = derive_key(_keys(services)[0], "sign-in-challenge")
    return base64.urlsafe_b64encode(row.id.bytes + mac(key, *_challenge_parts(row))).decode()


def is_genuine_challenge(services: Services, text: str, row: AuthChallenge) -> bool:
    """Whether this service made the text for this row, under its present or a previous key."""
    raw = _unpacked(text, _ID_BYTES)
    keys = (derive_key(key, "sign-in-challenge") for key in _keys(services))
    return raw is not None and is_mac(raw[_ID_BYTES:], keys, *_challenge_parts(row))


def _challenge_parts(row: AuthChallenge) -> tuple[bytes, ...]:
    return b"sign-in-challenge", row.id.bytes, (row.user_id or 0).to_bytes(8, "big"), row.nonce


def device_token(services: Services, device_id: UUID) -> str:
    """The mark by which a browser or app is recognised (OWASP's device cookie). It opens nothing."""
    key = derive_key(_keys(services)[0], "device-mark")
    return base64.urlsafe_b64encode(device_id.bytes + mac(key, b"device", device_id.bytes)).decode()


def read_device_token(services: Services, text: str | None) -> UUID | None:
    """The device of a genuine mark, made under the present or a previous key."""
    raw = _unpacked(text or "", _ID_BYTES)
    keys = (derive_key(key, "device-mark") for key in _keys(services))
    if raw is None or not is_mac(raw[_ID_BYTES:], keys, b"device", raw[:_ID_BYTES]):
        return None
    return UUID(bytes=raw[:_ID_BYTES])


def _unpacked(text: str, head: int) -> bytes | None:
    """The bytes of a text of ours, which holds a head and a MAC; None for anything else."""
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{4 * (head + _MAC_BYTES) // 3}}}", text):
        return None
    try:
        return base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        return None


def _keys(services: Services) -> tuple[str, ...]:
    return services.config["SECRET_KEY"], *services.settings.flask_previous_secret_keys
