"""The general API errors. `utils/error_handlers.py` turns them into JSON.

    ApiError
    ├── BadRequest 400 ─ NoInput, MissingFields, InvalidJson, InvalidInput
    ├── Unauthorized 401 ─ TokenMissing, TokenMalformed, TokenInvalid
    ├── Forbidden 403 ─ CrossSiteRefused, ReauthRequired, SessionRequired, PermissionMissing
    ├── NotFound 404, MethodNotAllowed 405, PayloadTooLarge 413, UnsupportedMediaType 415, TooManyRequests 429
    └── InternalError 500, Busy 503, Unavailable 503

Every error response has a `code` for programs, a `message` for people, `fields` where it applies, and the
`request_id` of the log. It never contains submitted values, stack traces or texts of the database. Messages
are English here; `utils/web/localized.py` says them in the language of the call.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from utils.languages.text import Text


class ApiError(Exception):
    """An error response with a stable, published code."""

    status: int = 500
    code: str = "internal_error"
    message: str = "Something went wrong on our side."
    members: ClassVar[Any] = None  # a TypedDict of the further members, for the API description
    for_developers: ClassVar[bool] = False  # of clients: English in every language
    page: ClassVar[str | None] = None  # the page that shows it to browsers; None: the one for its status

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        self.extra: Mapping[str, Any] = {}  # further members of the response, as `members` describes them
        self.page_values: Callable[[], Mapping[str, Any]] = dict  # what its own page shows
        super().__init__(self.message)

    @classmethod
    def message_for(cls, _fault: Text) -> Text | None:
        """Return the message for the fault of a field, or None for the message of the class."""
        return None


# The members of RFC 6749, 5.2.
ErrorName = Annotated[str, Field(examples=["invalid_request"])]
ErrorDescription = Annotated[
    str,
    Field(description="`message` in the characters of RFC 6749.", examples=["The request is not valid."]),
]


class FormErrorMembers(TypedDict, total=False):
    """What may stand beside any error of a call with a form."""

    error: ErrorName
    error_description: ErrorDescription


class BadRequest(ApiError):
    status, code, message = 400, "bad_request", "The request could not be understood."


class NoInput(BadRequest):
    code, message = "no_input", "No input data provided"


class MissingFields(BadRequest):
    code, message = "missing_fields", "A required field is missing"


class InvalidJson(BadRequest):
    code, message = "json_invalid", "The body is not valid JSON: one object in UTF-8, each key once."


class InvalidInput(BadRequest):
    code, message = "validation_failed", "Some fields are not valid."


class Unauthorized(ApiError):
    """401 with `WWW-Authenticate`, which has no error code if no credentials were sent (RFC 6750, 3)."""

    status, code, message = 401, "unauthorized", "Authentication is required."
    challenge: ClassVar[str] = "Bearer"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": self.challenge})


class TokenMissing(Unauthorized):
    code, message = "token_missing", "Authorization token is missing!"


class TokenMalformed(Unauthorized):
    code = "token_malformed"
    message = 'Malformed Authorization header. Use "Bearer <token>"'
    challenge = 'Bearer error="invalid_request"'


class TokenInvalid(Unauthorized):
    code, message = "token_invalid", "Token is invalid or expired!"
    challenge = 'Bearer error="invalid_token"'


class Forbidden(ApiError):
    status, code, message = 403, "forbidden", "This is not allowed."


class CrossSiteRefused(Forbidden):
    code, message = "cross_site_refused", "A call with cookies must come from the service's own pages."


class ReauthMembers(TypedDict, total=False):
    """Present where the login must be by a second factor."""

    by_factor: Annotated[bool, Field(description="True: by a second factor.", examples=[True])]


class ReauthRequired(Forbidden):
    """Step-up (ASVS 7.5.1): this call requires a recent login; with `by_factor`, one by a second factor."""

    code, message = "reauth_required", "Log in again to do this."
    members = ReauthMembers

    def __init__(self, *, by_factor: bool = False) -> None:
        super().__init__(Text("Confirm your second factor again to do this.") if by_factor else None)
        self.extra = {"by_factor": True} if by_factor else {}


class SessionRequired(Forbidden):
    """The call is for people who are logged in: a token without a session does not open it."""

    code, message = "session_required", "This needs a signed-in session; this token has none."


class PermissionMissing(Forbidden):
    """The token is valid, and its owner lacks a permission. `WWW-Authenticate` names it (RFC 6750, 3.1)."""

    code, message = "permission_missing", "You may not do this: a permission is missing."

    def __init__(self, scope: Iterable[str] = ()) -> None:
        """`scope` are the permissions that are wanted, from the code of the view and never from the call."""
        names = " ".join(sorted(scope))
        named = f', scope="{names}"' if names else ""
        super().__init__(headers={"WWW-Authenticate": f'Bearer error="insufficient_scope"{named}'})


class NotFound(ApiError):
    status, code, message = 404, "not_found", "There is nothing here."


class MethodNotAllowed(ApiError):
    status, code, message = 405, "method_not_allowed", "This method is not allowed here."


class PayloadTooLarge(ApiError):
    status, code, message = 413, "payload_too_large", "The body is larger than is allowed here."


class UnsupportedMediaType(ApiError):
    status, code = 415, "unsupported_media_type"
    message = "Send the body as application/json in UTF-8, without content encoding."


class TooManyRequests(ApiError):
    """429 (RFC 6585, 4). `Retry-After` is in seconds."""

    status, code, message = 429, "rate_limited", "Too many requests. Try again later."

    def __init__(self, *, policy: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(headers=headers)
        self.policy = policy  # for the metrics; not sent


class InternalError(ApiError):
    pass


class Busy(ApiError):
    """Too many requests are waiting for a password hash or a strength score."""

    status, code, message = 503, "busy", "The service is busy just now. Try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class Unavailable(ApiError):
    status, code, message = 503, "unavailable", "The service cannot answer just now. Try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


def error_classes(root: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    """Yield `root` and all its subclasses that have been imported."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)
