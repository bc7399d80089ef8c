"""WebAuthn ceremonies: issue a challenge, and verify the response to it."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.errors import PasskeyInvalid
from auth.stores import challenges, passkeys
from auth.stores.challenges import ChallengePurpose
from models import AuthChallenge, Passkey
from utils.crypto import passkeys as webauthn
from utils.services import Services

LIFETIME = timedelta(minutes=5)
MAX_LIVE = 10
_ID = 16  # bytes of a challenge that name its row; 16 random ones follow


def relying_party(services: Services) -> webauthn.RelyingParty:
    """Return the relying party: origin and domain of `PUBLIC_URL`."""
    return webauthn.relying_party(services.settings.public_url, services.settings.brand_name)


def issue(services: Services, tx: Session, purpose: ChallengePurpose, user_id: int | None) -> AuthChallenge:
    """Issue a challenge for this purpose; the oldest of an account beyond `MAX_LIVE` are voided."""
    now = services.clock.now()
    row = challenges.issue(tx, purpose, user_id, now=now, expires_at=now + LIFETIME)
    if user_id is not None:
        challenges.void_beyond(tx, MAX_LIVE, row, now)
    return row


def request_options(services: Services, row: AuthChallenge, mine: Iterable[Passkey] = ()) -> dict[str, Any]:
    """Return the request options for this challenge, for these passkeys or for any."""
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
    user_id: int | None,
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
    *,
    is_alone: bool = False,
) -> Passkey:
    """Verify the credential's response to this challenge and return the passkey. Raises `PasskeyInvalid`."""
    if passkey is None or passkey.credential_id != webauthn.credential_id_of(credential):
        raise PasskeyInvalid
    handle = webauthn.user_handle_of(credential)
    # Where it was not asked for by its id, it says whose it is (WebAuthn, 7.2, step 6).
    if handle != passkey.user_handle and (handle is not None or is_alone):
        raise PasskeyInvalid
    try:
        proof = webauthn.verify_assertion(
            credential, relying_party(services), challenge=challenge, public_key=passkey.public_key
        )
    except webauthn.PasskeyRefusedError:
        raise PasskeyInvalid from None
    if not passkeys.use(tx, passkey.id, proof, services.clock.now()):
        raise PasskeyInvalid
    return passkey
