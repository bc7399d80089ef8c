"""WebAuthn ceremonies: issue a challenge, and verify the response to it."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import tokens
from auth.errors import PasskeyInvalid
from auth.stores import challenges, passkeys
from auth.stores.challenges import ChallengePurpose
from models import AuthChallenge, Passkey
from utils.crypto import claims
from utils.crypto import passkeys as webauthn
from utils.services import Services

LIFETIME = timedelta(minutes=5)
CLOCK_LEEWAY = timedelta(seconds=claims.CLOCK_LEEWAY)
MAX_LIVE = 10
_ID = 16  # bytes of a challenge that name its row; 16 random ones follow


def relying_party(services: Services) -> webauthn.RelyingParty:
    """Return the relying party: origin and domain of `PUBLIC_URL`."""
    return webauthn.relying_party(services.settings.public_url, services.settings.brand_name)


def issue(services: Services, tx: Session, purpose: ChallengePurpose, user_id: int) -> AuthChallenge:
    """Issue a challenge for this purpose; the oldest of the account beyond `MAX_LIVE` are voided."""
    now = services.clock.now()
    row = challenges.issue(tx, purpose, user_id, now=now, expires_at=now + LIFETIME)
    challenges.void_beyond(tx, MAX_LIVE, row, now)
    return row


def anonymous_options(services: Services) -> dict[str, Any]:
    """Return the request options for any passkey of this domain. Their challenge is stored nowhere."""
    challenge_id, expires_at = UUID(bytes=secrets.token_bytes(_ID)), services.clock.now() + LIFETIME
    challenge = tokens.passkey_challenge(services, challenge_id, expires_at)
    return webauthn.request_options(relying_party(services), challenge=challenge)


def request_options(services: Services, row: AuthChallenge, mine: Iterable[Passkey]) -> dict[str, Any]:
    """Return the request options for this challenge, for these passkeys."""
    allow = [each.credential_id for each in mine]
    return webauthn.request_options(relying_party(services), challenge=text_of(row), allow=allow)


def text_of(row: AuthChallenge) -> bytes:
    """Return the bytes that the browser signs: the row's id and 128 random bits."""
    return row.id.bytes + row.nonce


def new_user_handle(challenge: bytes) -> bytes:
    """Return a user handle that says nothing about the account. It is kept with the first passkey."""
    return hashlib.sha256(b"user-handle:" + challenge).digest()


def use_challenge(
    services: Services,
    tx: Session,
    credential: webauthn.Credential,
    purpose: ChallengePurpose,
    user_id: int,
) -> bytes:
    """Consume the challenge that this credential answers, of this purpose and account.

    Raises `PasskeyInvalid`. The signature is still to be verified.
    """
    given = webauthn.challenge_of(credential)
    row = challenges.by_id(tx, UUID(bytes=given[:_ID])) if given and len(given) == 2 * _ID else None
    if row is None or row.purpose != purpose or row.user_id != user_id or text_of(row) != given:
        raise PasskeyInvalid
    if not challenges.use(tx, row.id, services.clock.now()):
        raise PasskeyInvalid
    return text_of(row)


def verify(
    services: Services,
    tx: Session,
    passkey: Passkey | None,
    credential: webauthn.Credential,
    challenge: bytes,
) -> Passkey:
    """Verify the credential's response to this challenge and return the passkey. Raises `PasskeyInvalid`."""
    proven, assertion = _proven(services, passkey, credential, challenge)
    return _counted(services, tx, proven, assertion)


def verify_anonymous(
    services: Services, tx: Session, passkey: Passkey | None, credential: webauthn.Credential
) -> Passkey:
    """Verify the credential's response to a challenge of `anonymous_options` and return the passkey.

    The challenge becomes a row, used, once the signature was verified: unauthenticated callers write none.
    Raises `PasskeyInvalid`, also if the challenge was used or has expired.
    """
    challenge, now = webauthn.challenge_of(credential) or b"", services.clock.now()
    issued = tokens.read_passkey_challenge(services, challenge)
    # A clock that was set back must not extend it. The clock of the machine that issued it may be ahead.
    if issued is None or not now < issued.expires_at <= now + LIFETIME + CLOCK_LEEWAY:
        raise PasskeyInvalid
    proven, assertion = _proven(services, passkey, credential, challenge, is_alone=True)
    purpose = ChallengePurpose.PASSKEY_SIGN_IN
    if not challenges.remember(tx, purpose, issued.id, proven.user_id, now, issued.expires_at):
        raise PasskeyInvalid
    return _counted(services, tx, proven, assertion, is_alone=True)


def _proven(
    services: Services,
    passkey: Passkey | None,
    credential: webauthn.Credential,
    challenge: bytes,
    *,
    is_alone: bool = False,
) -> tuple[Passkey, webauthn.Assertion]:
    if passkey is None or passkey.credential_id != webauthn.credential_id_of(credential):
        raise PasskeyInvalid
    handle = webauthn.user_handle_of(credential)
    # Where it was not asked for by its id, it says whose it is (WebAuthn, 7.2, step 6).
    if handle != passkey.user_handle and (handle is not None or is_alone):
        raise PasskeyInvalid
    try:
        assertion = webauthn.verify_assertion(
            credential, relying_party(services), challenge=challenge, public_key=passkey.public_key
        )
    except webauthn.PasskeyRefusedError:
        raise PasskeyInvalid from None
    return passkey, assertion


def _counted(
    services: Services,
    tx: Session,
    passkey: Passkey,
    assertion: webauthn.Assertion,
    *,
    is_alone: bool = False,
) -> Passkey:
    if not passkeys.use(tx, passkey.id, assertion, services.clock.now(), is_alone=is_alone):
        raise PasskeyInvalid
    return passkey
