"""Second factors over HTTP: an authenticator app and recovery codes, for whoever is signed in."""

from typing import Any

from flask import g

from auth import auth_bp, factor_outputs, outputs
from auth.flows import factors
from auth.flows.steps.second_factors import Given
from auth.inputs import Confirmation, SecondFactor
from utils.auth_helpers import for_setting_up, jwt_required
from utils.http import answers, client_info, limited
from utils.services import services
from utils.validation import takes

FRESH = ("session_required", "reauth_required")


def _given(form: SecondFactor) -> Given:
    return Given(form.code, form.recovery_code, form.passkey)


@auth_bp.get("/totp")
@answers(200, factor_outputs.TotpState)
@limited("reads")
@jwt_required
@for_setting_up
def totp_state() -> Any:
    """Ask whether authenticator codes are on, and since when."""
    return factor_outputs.totp_state(factors.totp_since(services(), g.principal))


@auth_bp.post("/totp")
@answers(200, factor_outputs.TotpSetUp, errors=(*FRESH, "totp_enabled"))
@limited("account-changes")
@jwt_required
@for_setting_up
def begin_totp() -> Any:
    """Begin to set up an authenticator app: its secret, for typing and as a QR code.

    Nothing is asked for until `/auth/totp/confirm` was given a code of it, within the hour. Wants a
    sign-in younger than 10 minutes; where the account has a second factor, one with that.
    """
    begun = factors.begin_totp(services(), g.principal, client_info())
    return factor_outputs.totp_set_up(begun.secret, begun.uri)


@auth_bp.post("/totp/confirm")
@answers(200, factor_outputs.RecoveryCodes, errors=(*FRESH, "totp_not_begun", "totp_enabled", "wrong_code"))
@limited("proof")
@jwt_required
@for_setting_up
@takes(Confirmation)
def confirm_totp(form: Confirmation) -> Any:
    """Switch authenticator codes on, with a code of the app; the answer holds the recovery codes.

    Ends all other sessions, unless `end_other_sessions` is false. Wants what beginning wants.
    """
    found = factors.confirm_totp(
        services(), g.principal, form.code, client_info(), end_other_sessions=form.end_other_sessions
    )
    return factor_outputs.recovery_codes(found)


@auth_bp.delete("/totp")
@answers(200, outputs.Message, errors=(*FRESH, "two_factor_off", "wrong_code"))
@limited("proof")
@jwt_required
@for_setting_up
@takes(SecondFactor)
def remove_totp(form: SecondFactor) -> Any:
    """Switch authenticator codes off, with a code, a recovery code or a passkey.

    With the last factor the recovery codes are void. No device is trusted any more. Wants a sign-in younger
    than 10 minutes.
    """
    factors.remove_totp(services(), g.principal, _given(form), client_info())
    return outputs.message("remove_totp")


@auth_bp.post("/recovery-codes")
@answers(200, factor_outputs.RecoveryCodes, errors=(*FRESH, "two_factor_off", "wrong_code"))
@limited("proof")
@jwt_required
@for_setting_up
@takes(SecondFactor)
def replace_recovery_codes(form: SecondFactor) -> Any:
    """Make ten new recovery codes, with a code, a passkey or one of the old ones; those are void.

    Wants a sign-in younger than 10 minutes.
    """
    found = factors.replace_recovery_codes(services(), g.principal, _given(form), client_info())
    return factor_outputs.recovery_codes(found)


@auth_bp.delete("/factors-reset")
@answers(200, outputs.Message, errors=("session_required", "no_factors_reset"))
@limited("account-changes")
@jwt_required
def stop_factors_reset() -> Any:
    """Keep one's second factors, which an operator is about to remove (`factors_reset_at` of `me`)."""
    factors.stop_reset(services(), g.principal, client_info())
    return outputs.message("stop_factors_reset")
