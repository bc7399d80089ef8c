"""The errors of accounts. Published codes never change their meaning; a test pins them."""

from utils.errors import ApiError, BadRequest, Forbidden, NotFound, TooManyRequests, Unauthorized
from utils.languages.text import Text


class PasswordTooShort(BadRequest):
    code, message = "password_too_short", "Password is too short"

    @classmethod
    def message_for(cls, _fault: Text) -> Text:
        return Text("Password {fault}", fault=_fault)


class PasswordTooCommon(BadRequest):
    code = "password_too_common"
    message = "This password is on a list of passwords that attackers try first. Choose another one."


class PasswordContainsContext(BadRequest):
    """The new password is made of context words. The message does not say which."""

    code = "password_contains_context"
    message = "Password must not contain your user name, your email address or the name of this service."


class PasswordLeaked(BadRequest):
    code = "password_leaked"
    message = "This password was found in a data leak. Choose another one."


class PasswordUnchanged(BadRequest):
    """Raised only after the current password was verified."""

    code, message = "password_unchanged", "The new password is the present one. Choose another."


class Conflict(ApiError):
    status, code, message = 409, "conflict", "This is taken."


class UsernameTaken(Conflict):
    code, message = "username_taken", "Username already exists"


class TooManyUsernames(Conflict):
    """Names that an account gave up are kept for it; an account keeps ten at most."""

    code = "too_many_usernames"
    message = "You have changed your user name too often. Take an earlier one of yours, or try again later."


class EmailTaken(Conflict):
    code, message = "email_taken", "Email already exists"


class AccountTaken(Conflict):
    """A concurrent registration took the name or address: the database decided."""

    code, message = "account_taken", "A user with this username or email already exists."


class InvalidCredentials(Unauthorized):
    """The same error for a wrong password, an unknown name and a disabled account (ASVS 6.3.8)."""

    code, message = "invalid_credentials", "Invalid credentials"


class ChallengeInvalid(Unauthorized):
    """The challenge is unknown, used, or void since the account was changed."""

    code, message = "challenge_invalid", "This login is no longer valid. Begin again."


class ChallengeExpired(Unauthorized):
    code, message = "challenge_expired", "This login took too long. Begin again."


class SecondFactorInvalid(Unauthorized):
    """The same error for a wrong, an expired and a used code (ASVS 6.5.1)."""

    code, message = "second_factor_invalid", "This code is not right, or was used already."


class PasskeyInvalid(Unauthorized):
    """The same error for a wrong challenge or signature, a stale counter, and an unknown passkey."""

    code, message = (
        "passkey_invalid",
        "This passkey was not accepted, or the request has expired.",
    )


class RefreshTokenMissing(Unauthorized):
    code, message = "refresh_token_missing", "Refresh token is missing."


class RefreshTokenInvalid(Unauthorized):
    code, message = "refresh_token_invalid", "Refresh token is invalid, or its session has ended."


class RefreshTokenExpired(Unauthorized):
    code, message = "refresh_token_expired", "The session has expired. Sign in again."


class RefreshTokenReused(Unauthorized):
    """A used refresh token was presented again: a copy exists, so the session ended (RFC 9700, 4.14)."""

    code, message = "refresh_token_reused", "Refresh token was used before; the session has been ended."


class EmailNotVerified(Forbidden):
    """Raised only after the right password, and never with `HIDE_ACCOUNT_EXISTENCE`."""

    code, message = (
        "email_not_verified",
        "Confirm your email address first: open the link that was mailed to you.",
    )


class SecondFactorSetupRequired(Forbidden):
    """Not a 401: the token is valid, to set up a second factor."""

    code, message = "second_factor_setup_required", "Set up a second factor first: this service requires one."


class WrongCurrentPassword(Forbidden):
    """Raised for a caller who is logged in. Not a 401: the access token is valid."""

    code, message = "wrong_current_password", "The current password is not right."


class WrongCode(Forbidden):
    """A wrong or used code of a caller who is logged in. Not a 401: the access token is valid."""

    code, message = "wrong_code", "This code is not right, or was used already."


class TotpBlocked(Forbidden):
    """A hundred wrong authenticator codes in a row came from this source. The code was not looked at."""

    code = "totp_blocked"
    message = "There were too many wrong authenticator codes. Use a recovery code or a passkey."


class TotpEnabled(Conflict):
    code, message = "totp_enabled", "Authenticator codes are on already. Switch them off first."


class TotpNotBegun(Conflict):
    code, message = "totp_not_begun", "There is no authenticator app to confirm. Begin to set one up."


class PasskeyTaken(Conflict):
    code, message = "passkey_taken", "This passkey is in use here already."


class TooManyPasskeys(Conflict):
    code, message = "too_many_passkeys", "Remove a passkey first: an account has twenty at most."


class LastWayIn(Conflict):
    code, message = "last_way_in", "This is the only way to log in that is left. Add another one first."


class NoPassword(Conflict):
    code, message = "no_password", "This account has no password."


class NoFactorsReset(Conflict):
    code, message = "no_factors_reset", "No removal of your second factors is pending."


class NoPasskeys(Conflict):
    code, message = "no_passkeys", "This account has no passkey."


class TwoFactorOff(Conflict):
    code, message = "two_factor_off", "This account has no second factor."


class LinkUnknown(NotFound):
    code, message = (
        "token_unknown",
        "This link does not work: it was not copied whole, or the account is gone.",
    )


class Gone(ApiError):
    status, code, message = 410, "gone", "This is no longer available."


class LinkExpired(Gone):
    code, message = "token_expired", "This link has expired. Ask for a new one."


class LinkUsed(Gone):
    code, message = "token_used", "This link was used already, or is void."


class AccountDisabled(Conflict):
    """Command line only. The API does not distinguish a disabled account from none."""

    code, message = "account_disabled", "The account is disabled, or to be erased."


class ExportRunning(TooManyRequests):
    """The account has an export that runs, or the process has as many as it may."""

    code, message = "export_running", "An export is running. Try again when it is done."

    def __init__(self, seconds: float) -> None:
        super().__init__(policy="export", headers={"Retry-After": str(int(seconds))})


class ExportTooLarge(ApiError):
    """More than one export may hold. 507 is of WebDAV (RFC 4918, 11.5)."""

    status, code = 507, "export_too_large"
    message = "There is more data about this account than an export can hold. The activity has all events."


class UserNotFound(NotFound):
    code, message = "user_not_found", "There is no such user."


class PasskeyNotFound(NotFound):
    code, message = "passkey_not_found", "You have no such passkey."


class PasskeyRefused(BadRequest):
    """The new passkey is not accepted: another challenge or origin, or no user verification."""

    code, message = "passkey_refused", "This passkey could not be added. Begin again."


class SessionNotFound(NotFound):
    code, message = "session_not_found", "You have no such session."


class RoleNotFound(NotFound):
    code, message = "role_not_found", "There is no such role."


class RoleNameInvalid(BadRequest):
    code = "role_name_invalid"
    message = "The name of a role has 1 to 60 lower-case letters, digits and hyphens. A letter is first."


class PermissionInvalid(BadRequest):
    code = "permission_invalid"
    message = (
        "A permission has the form thing:verb, such as reports:read, in lower-case letters, digits and "
        "hyphens. Those that begin with auth: belong to this service."
    )


class BuiltInRole(Conflict):
    code, message = "built_in_role", "The roles admin and support are built in and cannot be changed."


class RoleInUse(Conflict):
    code, message = "role_in_use", "Accounts have this role. Take it from them first."

    def __init__(self, accounts: int) -> None:
        noun = "account has" if accounts == 1 else "accounts have"
        super().__init__(f"{accounts} {noun} this role. Take it from them first.")
        self.extra = {"accounts": accounts}


class TooManyRoles(Conflict):
    code, message = "too_many_roles", "There are a thousand roles. Delete one first."


class TooManyPermissions(Conflict):
    code, message = "too_many_permissions", "A role has a hundred permissions at most."


class NotYourself(Conflict):
    code, message = "not_yourself", "This cannot be done to your own account."


class LastAdministrator(Conflict):
    code = "last_administrator"
    message = "This is the last account with the role admin. Give the role to another account first."
