"""Passkeys of an account: add, rename, remove."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from auth.errors import (
    LastWayIn,
    PasskeyInvalid,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    TooManyPasskeys,
)
from auth.events import Event
from auth.factors import changes, passkey_ceremonies, recovery_code_set
from auth.mailing import links
from auth.sessions import step_up
from auth.stores import audit, passkeys, sessions
from auth.stores import second_factors as accounts
from auth.stores.challenges import ChallengePurpose
from models import Passkey
from utils.client_info import ClientInfo
from utils.crypto import passkeys as webauthn
from utils.services import Principal, Services

MAX_PASSKEYS = 20


class Added(NamedTuple):
    """A new passkey, and the recovery codes if it is the account's first factor."""

    passkey: Passkey
    recovery_codes: list[str] | None


def of_user(services: Services, principal: Principal) -> Sequence[Passkey]:
    """Return the caller's passkeys, the oldest first."""
    return passkeys.of_user(services.tx(), principal.user_id)


def creation_options(services: Services, principal: Principal) -> dict[str, Any]:
    """Return the creation options for a passkey of the caller.

    Raises `ReauthRequired`, by factor if the account has one, and `TooManyPasskeys`.
    """
    _, account = step_up.lock_for_credential_change(services, principal)
    tx = services.tx()
    mine = passkeys.of_user(tx, account.id)
    if len(mine) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    row = passkey_ceremonies.issue(services, tx, ChallengePurpose.NEW_PASSKEY, account.id)
    tx.commit()
    return webauthn.creation_options(
        passkey_ceremonies.relying_party(services),
        challenge=passkey_ceremonies.text_of(row),
        user_handle=mine[0].user_handle
        if mine
        else passkey_ceremonies.new_user_handle(passkey_ceremonies.text_of(row)),
        user_name=account.email,
        exclude=[each.credential_id for each in mine],
    )


def add(
    services: Services,
    principal: Principal,
    credential: webauthn.Credential,
    name: str,
    client: ClientInfo,
    *,
    end_other_sessions: bool = True,
) -> Added:
    """Add the passkey that a browser has created. The password alone no longer opens the account.

    The first factor of an account ends its other sessions, as `totp.confirm_totp` does. Raises
    `ReauthRequired`, `PasskeyRefused`, `PasskeyTaken` and `TooManyPasskeys`.
    """
    current, account = step_up.lock_for_credential_change(services, principal)
    tx = services.tx()
    now, mine = services.clock.now(), passkeys.of_user(tx, account.id)
    if len(mine) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    try:
        challenge = passkey_ceremonies.use_challenge(
            services, tx, credential, ChallengePurpose.NEW_PASSKEY, account.id
        )
        new = webauthn.verify_registration(
            credential, passkey_ceremonies.relying_party(services), challenge=challenge
        )
    except (PasskeyInvalid, webauthn.PasskeyRefusedError):
        tx.commit()  # the challenge is used up
        raise PasskeyRefused from None
    handle = mine[0].user_handle if mine else passkey_ceremonies.new_user_handle(challenge)
    passkey_id = passkeys.add(tx, account.id, handle, name, new, now)
    if passkey_id is None:
        raise PasskeyTaken
    codes, keep = None, None
    if account.two_factor_at is None:
        keep = current if end_other_sessions or services.settings.require_second_factor else None
        accounts.enable(tx, account.id, now)
        codes = recovery_code_set.new_codes(services, tx, account.id)
    sessions.note_factor(tx, current, now)
    changes.end_what_factors_opened(services, tx, account.id, keep=keep)
    links.send_disown_link(services, tx, account, "passkey_added", client)
    audit.append(tx, Event.PASSKEY_ADDED, now, client, user_id=account.id, session_id=current)
    tx.commit()
    (added,) = [each for each in passkeys.of_user(tx, account.id) if each.id == passkey_id]
    return Added(added, codes)


def rename(
    services: Services, principal: Principal, passkey_id: UUID, name: str, client: ClientInfo
) -> Sequence[Passkey]:
    """Rename a passkey and return all of the caller's. Raises `PasskeyNotFound`."""
    tx, now = services.tx(), services.clock.now()
    step_up.lock_for_change(services, principal)
    if not passkeys.rename(tx, principal.user_id, passkey_id, name):
        raise PasskeyNotFound
    audit.append(tx, Event.PASSKEY_RENAMED, now, client, user_id=principal.user_id)
    tx.commit()
    return passkeys.of_user(tx, principal.user_id)


def remove(services: Services, principal: Principal, passkey_id: UUID, client: ClientInfo) -> None:
    """Remove a passkey, and with the last factor the recovery codes.

    Raises `ReauthRequired`, `PasskeyNotFound`, and `LastWayIn` if the account has no password.
    """
    current, account = step_up.lock_for_credential_change(services, principal)
    tx = services.tx()
    if not passkeys.remove(tx, account.id, passkey_id):
        raise PasskeyNotFound
    if account.password_hash is None and not passkeys.count(tx, account.id):
        tx.rollback()
        raise LastWayIn
    changes.disable_if_last(services, tx, account.id)
    changes.end_what_factors_opened(services, tx, account.id, keep=None)
    now = services.clock.now()
    links.notify(services, tx, account, "passkey_removed", client)
    audit.append(tx, Event.PASSKEY_REMOVED, now, client, user_id=account.id, session_id=current)
    tx.commit()
