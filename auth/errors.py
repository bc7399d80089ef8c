"""The refusals of this domain. A published code never changes its meaning; a test pins them all."""

from utils.errors import ApiError, Forbidden, NotFound, Unauthorized


class Conflict(ApiError):
    status, code, message = 409, "conflict", "This is taken."


class UsernameTaken(Conflict):
    code, message = "username_taken", "Username already exists"


class EmailTaken(Conflict):
    code, message = "email_taken", "Email already exists"


class AccountTaken(Conflict):
    """Somebody registered the same name or address a moment before: the database decided."""

    code, message = "account_taken", "A user with this username or email already exists."


class InvalidCredentials(Unauthorized):
    """One answer for a wrong password, an unknown name and a disabled account (ASVS 6.3.8)."""

    code, message = "invalid_credentials", "Invalid credentials"


class RefreshTokenMissing(Unauthorized):
    code, message = "refresh_token_missing", "Refresh token is missing."


class RefreshTokenInvalid(Unauthorized):
    code, message = "refresh_token_invalid", "Refresh token is invalid, or its session has ended."


class RefreshTokenExpired(Unauthorized):
    code, message = "refresh_token_expired", "The session has expired. Sign in again."


class RefreshTokenReused(Unauthorized):
    """An already used refresh token came back: somebody has a copy, so the session ended (RFC 9700, 4.14)."""

    code, message = "refresh_token_reused", "Refresh token was used before; the session has been ended."


class SessionRequired(Forbidden):
    code, message = "session_required", "This needs a signed-in session; this token has none."


class UserNotFound(NotFound):
    code, message = "user_not_found", "There is no such user."


class SessionNotFound(NotFound):
    code, message = "session_not_found", "You have no such session."
