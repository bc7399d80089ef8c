"""The tokens of an account: access, refresh, one-time, device, sign-up and verify token, and challenge.

All but the access token are an id and a MAC in base64url, under a key derived from `FLASK_SECRET_KEY`.
Previous keys verify. The challenge of a login by passkey alone has the same parts, as bytes.
"""

import base64
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from models import Account, AuthChallenge, OneTimeToken, SessionState
from utils.crypto import access_tokens
from utils.crypto.keys import derive_key, mac
from utils.crypto.signed_ids import MAC_BYTES, Signer
from utils.services import Claims, Services

_HEAD = struct.Struct(">B16sQ")  # version, session id, generation
_VERSION = 1
_REFRESH = Signer("refresh-token", b"refresh", _HEAD.size)
_ONE_TIME = Signer("one-time-token", b"one-time")
_CHALLENGE = Signer("sign-in-challenge", b"sign-in-challenge")
_DEVICE = Signer("device-mark", b"device")
_PASSKEY_HEAD = struct.Struct(">16sQ")  # random id, end in milliseconds since 1970
_PASSKEY_LOGIN = Signer("passkey-challenge", b"passkey-login", _PASSKEY_HEAD.size)
_SIGN_UP_HEAD = struct.Struct(">Q8s")  # milliseconds since 1970, random
_SIGN_UP = Signer("sign-up", b"sign-up", _SIGN_UP_HEAD.size)
_VERIFY_HEAD = struct.Struct(">16sIQ")  # session id, account id, end in seconds since 1970
_VERIFY = Signer("verify-cookie", b"verify", _VERIFY_HEAD.size)

SIGN_UP_LIFETIME = timedelta(hours=1)
VERIFY_SECONDS = 10 * 60  # of a verify token, and of the cookie that holds it


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Access and refresh token of a session. `keep_until` ends a cookie; None makes a session cookie."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds
    keep_until: datetime | None
    enrollment_only: bool  # the access token only admits to the set-up of a second factor
    verify_token: str | None  # for the cookie of `VERIFY_COOKIE`; None without that setting


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The parts of a refresh token. Only the secret of its session tells whether it is genuine."""

    session_id: UUID
    generation: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """A genuine challenge of a login by passkey alone, which is in no row."""

    id: UUID
    expires_at: datetime


def issue(services: Services, session: SessionState, account: Account, now: datetime) -> TokenPair:
    """Return the pair for the session's present generation, which always has the same refresh token."""
    return TokenPair(
        access_token=access(services, account, session.id, session.auth_time, now),
        refresh_token=_refresh_token(services, session),
        expires_in=access_tokens.lifetime(services),
        keep_until=min(session.idle_end, session.absolute_end) if session.remembered else None,
        enrollment_only=needs_enrollment(services, account),
        verify_token=_verify_token(services, session, now) if services.settings.verify_cookie else None,
    )


def access(services: Services, account: Account, session_id: UUID, auth_time: datetime, now: datetime) -> str:
    """Return an access token of a session, restricted if the account must set up a second factor first."""
    scope = access_tokens.ENROLLMENT if needs_enrollment(services, account) else None
    return access_tokens.sign(services, account.id, session_id, now, auth_time=auth_time, scope=scope)


def needs_enrollment(services: Services, account: Account) -> bool:
    """Whether `REQUIRE_SECOND_FACTOR` is set and this account has no second factor."""
    return services.settings.require_second_factor and account.two_factor_at is None


def read_refresh(text: str) -> RefreshToken | None:
    """Return the parts of a refresh token, or None if the text cannot be one."""
    parts = _REFRESH.split(text)
    if parts is None:
        return None
    version, session_id, generation = _HEAD.unpack(parts[0])
    return RefreshToken(UUID(bytes=session_id), generation, parts[1]) if version == _VERSION else None


def is_genuine(services: Services, token: RefreshToken, session: SessionState) -> bool:
    """Whether this service made the token for this session."""
    return _REFRESH.is_genuine(services, token.mac, *_refresh_parts(session, token.generation))


def _refresh_token(services: Services, session: SessionState) -> str:
    head = _HEAD.pack(_VERSION, session.id.bytes, session.generation)
    return _REFRESH.text(services, head, *_refresh_parts(session, session.generation))


def _refresh_parts(session: SessionState, generation: int) -> tuple[bytes, ...]:
    # With the session's own secret in it, neither the key nor the database alone makes a token.
    return session.id.bytes, generation.to_bytes(8, "big"), session.secret


def _verify_token(services: Services, session: SessionState, now: datetime) -> str:
    """Return a token that proves the session to `GET /auth/verify` alone, for `VERIFY_SECONDS`."""
    end = int(now.timestamp()) + VERIFY_SECONDS
    head = _VERIFY_HEAD.pack(session.id.bytes, session.user_id, end)
    return _VERIFY.text(services, head, head)


def read_verify(services: Services, text: str) -> Claims | None:
    """Return what a genuine verify token says, or None if it is none or has expired.

    `Services.admit` decides whether the session still counts.
    """
    parts = _VERIFY.split(text)
    if parts is None or not _VERIFY.is_genuine(services, parts[1], parts[0]):
        return None
    session_id, user_id, end = _VERIFY_HEAD.unpack(parts[0])
    if services.clock.now().timestamp() >= end:
        return None
    return Claims(user_id, UUID(bytes=session_id), datetime.fromtimestamp(end - VERIFY_SECONDS, UTC))


def one_time(services: Services, row: OneTimeToken) -> str:
    """Return the text of a one-time token: 64 characters, safe in a URL's fragment. It is stored nowhere."""
    return _ONE_TIME.text(services, row.id.bytes, *_one_time_parts(row))


def one_time_id(text: str) -> UUID | None:
    """Return the id in a one-time token or a challenge, or None if the text cannot be one."""
    parts = _ONE_TIME.split(text)
    return UUID(bytes=parts[0]) if parts else None


def is_genuine_one_time(services: Services, text: str, row: OneTimeToken) -> bool:
    """Whether this service made the text for this row."""
    parts = _ONE_TIME.split(text)
    return parts is not None and _ONE_TIME.is_genuine(services, parts[1], *_one_time_parts(row))


def _one_time_parts(row: OneTimeToken) -> tuple[bytes, ...]:
    return row.id.bytes, row.purpose.encode(), row.nonce


def challenge(services: Services, row: AuthChallenge) -> str:
    """Return the text of a challenge. It proves that the password was right and admits to nothing."""
    return _CHALLENGE.text(services, row.id.bytes, *_challenge_parts(row))


def is_genuine_challenge(services: Services, text: str, row: AuthChallenge) -> bool:
    """Whether this service made the text for this row."""
    parts = _CHALLENGE.split(text)
    return parts is not None and _CHALLENGE.is_genuine(services, parts[1], *_challenge_parts(row))


def _challenge_parts(row: AuthChallenge) -> tuple[bytes, ...]:
    return row.id.bytes, (row.user_id or 0).to_bytes(8, "big"), row.nonce


def passkey_challenge(services: Services, challenge_id: UUID, expires_at: datetime) -> bytes:
    """Return a challenge for a login by passkey alone, which is stored nowhere."""
    head = _PASSKEY_HEAD.pack(challenge_id.bytes, int(expires_at.timestamp() * 1000))
    return _PASSKEY_LOGIN.raw(services, head, head)


def read_passkey_challenge(services: Services, given: bytes) -> PasskeyChallenge | None:
    """Return the parts of a genuine challenge, expired or not, or None."""
    head, sent_mac = given[: _PASSKEY_HEAD.size], given[_PASSKEY_HEAD.size :]
    if len(sent_mac) != MAC_BYTES or not _PASSKEY_LOGIN.is_genuine(services, sent_mac, head):
        return None
    challenge_id, milliseconds = _PASSKEY_HEAD.unpack(head)
    return PasskeyChallenge(UUID(bytes=challenge_id), datetime.fromtimestamp(milliseconds / 1000, UTC))


def device_token(services: Services, device_id: UUID) -> str:
    """Return the token by which a browser or app is recognized (OWASP's device cookie)."""
    return _DEVICE.text(services, device_id.bytes, device_id.bytes)


def read_device_token(services: Services, text: str | None) -> UUID | None:
    """Return the device of a genuine token, or None."""
    parts = _DEVICE.split(text or "")
    if parts is None or not _DEVICE.is_genuine(services, parts[1], parts[0]):
        return None
    return UUID(bytes=parts[0])


def sign_up(services: Services, account: Account, password_hash: str, next_address: str) -> str:
    """Return the token of the browser that registered an account with this password, and where to go on.

    It does not name the account: the MAC covers its id and its password hash.
    """
    head = _SIGN_UP_HEAD.pack(_milliseconds(account.created_at), secrets.token_bytes(8))
    after = next_address.encode()
    text = _SIGN_UP.text(services, head, *_sign_up_parts(head, account.id, password_hash, after))
    return f"{text}.{base64.urlsafe_b64encode(after).decode()}"


def read_sign_up(services: Services, text: str, account: Account) -> str | None:
    """Return where to go on, if the token is of this account with its present password and not too old."""
    signed, _, after = text.partition(".")
    parts = _SIGN_UP.split(signed)
    if parts is None or account.password_hash is None:
        return None
    try:
        next_address = base64.b64decode(after, altchars=b"-_", validate=True)
    except ValueError:
        return None
    head, sent_mac = parts
    signed_parts = _sign_up_parts(head, account.id, account.password_hash, next_address)
    if not _SIGN_UP.is_genuine(services, sent_mac, *signed_parts):
        return None
    age = _milliseconds(services.clock.now()) - _SIGN_UP_HEAD.unpack(head)[0]
    # Not from the future either: a clock that was set back must not prolong it.
    return next_address.decode() if abs(age) < _milliseconds_of(SIGN_UP_LIFETIME) else None


def _sign_up_parts(head: bytes, account_id: int, password_hash: str, after: bytes) -> tuple[bytes, ...]:
    return head, account_id.to_bytes(8, "big"), password_hash.encode(), after


def _milliseconds(moment: datetime) -> int:
    return _milliseconds_of(moment - datetime.fromtimestamp(0, UTC))


def _milliseconds_of(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def login_digest(services: Services, key: str) -> str:
    """Return the keyed digest that may be stored of a canonical name. People type passwords there."""
    return mac(derive_key(services.config["SECRET_KEY"], "unknown-login"), key.encode()).hex()[:32]
