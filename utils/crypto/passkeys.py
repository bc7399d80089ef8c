"""Passkeys (WebAuthn): options for browsers, and verification of their responses."""

import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Credential = Mapping[str, Any]
TIMEOUT = 300_000  # milliseconds, the lifetime of a challenge
MAX_CREDENTIAL_ID = 1023  # bytes (WebAuthn, 4)


class PasskeyRefusedError(Exception):
    """The response of the browser is invalid: wrong challenge, origin, key or format."""


class RelyingParty(NamedTuple):
    """The relying party: origin of the pages, domain of the passkeys and displayed name."""

    origin: str
    id: str
    name: str


class NewPasskey(NamedTuple):
    """A verified registration."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool


class Assertion(NamedTuple):
    """A verified assertion."""

    sign_count: int
    backed_up: bool


def _library() -> Any:
    import webauthn  # noqa: PLC0415  (imports in 0.25 s; many services have no passkeys)

    return webauthn


def relying_party(public_url: str, name: str) -> RelyingParty:
    return RelyingParty(public_url, urlsplit(public_url).hostname or "", name)


def creation_options(
    party: RelyingParty, *, challenge: bytes, user_handle: bytes, user_name: str, exclude: Iterable[bytes]
) -> dict[str, Any]:
    """Return the options to create a passkey: discoverable, and with user verification."""
    webauthn = _library()
    structs = webauthn.helpers.structs
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=user_name,
        challenge=challenge,
        timeout=TIMEOUT,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in exclude],
    )
    return dict(webauthn.helpers.options_to_json_dict(options))


def request_options(party: RelyingParty, *, challenge: bytes, allow: Iterable[bytes] = ()) -> dict[str, Any]:
    """Return the options to use a passkey: one of `allow`, or any passkey of this domain if it is empty."""
    webauthn = _library()
    structs = webauthn.helpers.structs
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in allow],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return dict(webauthn.helpers.options_to_json_dict(options))


def verify_registration(credential: Credential, party: RelyingParty, *, challenge: bytes) -> NewPasskey:
    """Return the passkey that was created for this challenge. Raises `PasskeyRefusedError`."""
    if is_cross_origin(credential):
        raise PasskeyRefusedError
    try:
        found = _library().verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as problem:
        raise PasskeyRefusedError from problem
    if len(found.credential_id) > MAX_CREDENTIAL_ID:
        raise PasskeyRefusedError
    return NewPasskey(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        found.credential_device_type == "multi_device",
        found.credential_backed_up,
    )


def verify_assertion(
    credential: Credential, party: RelyingParty, *, challenge: bytes, public_key: bytes
) -> Assertion:
    """Verify an assertion for this challenge, with user verification. Raises `PasskeyRefusedError`.

    Does not compare the signature counter: the caller compares and stores it in one statement.
    """
    if is_cross_origin(credential):
        raise PasskeyRefusedError
    try:
        found = _library().verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as problem:
        raise PasskeyRefusedError from problem
    return Assertion(found.new_sign_count, found.credential_backed_up)


def is_cross_origin(credential: Credential) -> bool:
    """Return whether the response was made in a frame of another origin (WebAuthn, 5.8.1)."""
    try:
        client_data = json.loads(_bytes(credential["response"]["clientDataJSON"]))
        return client_data.get("crossOrigin", False) is not False or "topOrigin" in client_data
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return True


def challenge_of(credential: Credential) -> bytes | None:
    """Return the challenge in the response, or None if it is malformed. It is not verified."""
    try:
        client_data = json.loads(_bytes(credential["response"]["clientDataJSON"]))
        return _bytes(client_data["challenge"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def credential_id_of(credential: Credential) -> bytes | None:
    """Return the credential id in the response, or None if it is malformed. It is not verified."""
    try:
        return _bytes(credential["rawId"])
    except (KeyError, TypeError, ValueError):
        return None


def user_handle_of(credential: Credential) -> bytes | None:
    """Return the user handle in the response: None if absent, b"" (no user's handle) if malformed."""
    try:
        given = credential["response"].get("userHandle")
        return None if given is None else _bytes(given)
    except (KeyError, TypeError, ValueError, AttributeError):
        return b""


def _bytes(text: Any) -> bytes:
    """Decode base64url without padding. Raises `ValueError`."""
    if not isinstance(text, str) or len(text) > 8192:
        raise ValueError("not base64url")
    translated = text.translate(str.maketrans("-_", "+/"))
    return binascii.a2b_base64(translated + "=" * (-len(text) % 4), strict_mode=True)
