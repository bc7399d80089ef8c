"""Second factors over HTTP: TOTP, recovery codes, passkeys."""

from typing import Any
from uuid import UUID

from flask import g

from auth.blueprint import auth_bp
from auth.cookies import device_token, reads_device_token
from auth.factors import outputs, passkeys, recovery_codes, resets, totp
from auth.factors.inputs import Confirmation, NewPasskey, PasskeyName, SecondFactor
from auth.factors.verification import FactorResponse
from auth.outputs import Message, message
from utils.auth_helpers import allow_enrollment, jwt_required
from utils.services import services
from utils.web.http import answers, client_info, limited
from utils.web.validation import takes

FRESH = ("session_required", "reauth_required")


def _response_of(form: SecondFactor) -> FactorResponse:
    return FactorResponse(form.code, form.recovery_code, form.passkey, device_token())


@auth_bp.get("/totp")
@answers(200, outputs.TotpState)
@limited("reads")
@jwt_required
@allow_enrollment
def totp_state() -> Any:
    """Ask whether authenticator codes are on, and since when."""
    return outputs.totp_state(totp.totp_since(services(), g.principal))


@auth_bp.post("/totp")
@answers(200, outputs.TotpSetUp, errors=(*FRESH, "totp_enabled"))
@limited("account-changes")
@jwt_required
@allow_enrollment
def begin_totp() -> Any:
    """Begin to set up an authenticator app: its secret, for typing and as a QR code.

    No code is required until `/auth/totp/confirm` has confirmed the app, within an hour. Requires a login
    within the last 10 minutes, by a second factor where the account has one.
    """
    begun = totp.begin_totp(services(), g.principal, client_info())
    return outputs.totp_set_up(begun.secret, begun.uri)


@auth_bp.post("/totp/confirm")
@answers(200, outputs.RecoveryCodes, errors=(*FRESH, "totp_not_begun", "totp_enabled", "wrong_code"))
@limited("proof")
@reads_device_token
@jwt_required
@allow_enrollment
@takes(Confirmation)
def confirm_totp(form: Confirmation) -> Any:
    """Switch authenticator codes on, with a code of the app; the answer holds the recovery codes.

    Ends all other sessions, unless `end_other_sessions` is false. Has the same requirements as
    `POST /auth/totp`.
    """
    found = totp.confirm_totp(
        services(),
        g.principal,
        form.code,
        client_info(),
        end_other_sessions=form.end_other_sessions,
        device_token=device_token(),
    )
    return outputs.recovery_codes(found)


@auth_bp.delete("/totp")
@answers(200, Message, errors=(*FRESH, "two_factor_off", "wrong_code", "totp_blocked"))
@limited("proof")
@reads_device_token
@jwt_required
@allow_enrollment
@takes(SecondFactor)
def remove_totp(form: SecondFactor) -> Any:
    """Switch authenticator codes off, with a code, a recovery code or a passkey.

    With the last factor the recovery codes are void. No device is trusted any more. Requires a login
    within the last 10 minutes.
    """
    totp.remove_totp(services(), g.principal, _response_of(form), client_info())
    return message("remove_totp")


@auth_bp.post("/recovery-codes")
@answers(200, outputs.RecoveryCodes, errors=(*FRESH, "two_factor_off", "wrong_code", "totp_blocked"))
@limited("proof")
@reads_device_token
@jwt_required
@allow_enrollment
@takes(SecondFactor)
def replace_recovery_codes(form: SecondFactor) -> Any:
    """Make ten new recovery codes, with a code, a passkey or one of the old ones; those are void.

    Requires a login within the last 10 minutes.
    """
    found = recovery_codes.replace_recovery_codes(services(), g.principal, _response_of(form), client_info())
    return outputs.recovery_codes(found)


@auth_bp.delete("/factors-reset")
@answers(200, Message, errors=("session_required", "no_factors_reset"))
@limited("account-changes")
@jwt_required
def stop_factors_reset() -> Any:
    """Keep one's second factors, which an operator is about to remove (`factors_reset_at` of `me`)."""
    resets.stop_reset(services(), g.principal, client_info())
    return message("stop_factors_reset")


FRESH = ("session_required", "reauth_required")


@auth_bp.get("/passkeys")
@answers(200, outputs.Passkeys)
@limited("reads")
@jwt_required
@allow_enrollment
def list_passkeys() -> Any:
    """List one's passkeys, the oldest first."""
    return outputs.passkeys(passkeys.of_user(services(), g.principal))


@auth_bp.post("/passkeys/options")
@answers(200, outputs.PasskeyOptions, errors=(*FRESH, "too_many_passkeys"))
@limited("account-changes")
@jwt_required
@allow_enrollment
def passkey_creation_options() -> Any:
    """Ask for what `navigator.credentials.create` needs. Good for one try within five minutes.

    Requires a login within the last 10 minutes, by a second factor if the account has one.
    """
    return outputs.options(passkeys.creation_options(services(), g.principal))


@auth_bp.post("/passkeys")
@answers(201, outputs.AddedPasskey, errors=(*FRESH, "passkey_refused", "passkey_taken", "too_many_passkeys"))
@limited("account-changes")
@jwt_required
@allow_enrollment
@takes(NewPasskey)
def add_passkey(form: NewPasskey) -> Any:
    """Add the passkey that the browser has made. With the first factor the answer holds recovery codes.

    From then on the password alone opens nothing. The first factor ends the other sessions, unless
    `end_other_sessions` is false; where a second factor is required, in any case.
    """
    added = passkeys.add(
        services(),
        g.principal,
        form.credential,
        form.name,
        client_info(),
        end_other_sessions=form.end_other_sessions,
    )
    return outputs.added_passkey(added.passkey, added.recovery_codes), 201


@auth_bp.patch("/passkeys/<uuid:passkey_id>")
@answers(200, outputs.Passkeys, errors=("session_required", "passkey_not_found", "not_found"))
@limited("account-changes")
@jwt_required
@allow_enrollment
@takes(PasskeyName)
def rename_passkey(form: PasskeyName, passkey_id: UUID) -> Any:
    """Give one of one's passkeys another name."""
    found = passkeys.rename(services(), g.principal, passkey_id, form.name, client_info())
    return outputs.passkeys(found)


@auth_bp.delete("/passkeys/<uuid:passkey_id>")
@answers(204, errors=(*FRESH, "passkey_not_found", "not_found", "last_way_in"))
@limited("account-changes")
@jwt_required
@allow_enrollment
def remove_passkey(passkey_id: UUID) -> Any:
    """Remove one of one's passkeys; not the last way to log in. Requires the same login as adding one."""
    passkeys.remove(services(), g.principal, passkey_id, client_info())
