"""The errors of authorization requests. As in `auth.errors`, published codes never change their meaning.

Three kinds: a `PageFault` stays on a page of this service, as no redirect address is proven; a
`RequestRefused` is sent to the client by redirect; the others answer the calls of the page.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from oauth.errors import OAuthError
from oauth.refusals import Reason


class PageFault(OAuthError):
    """The client or its redirect address is not right: the browser is never sent on (RFC 6749, 4.1.2.1)."""

    page = "oauth_error"
    reason: ClassVar[Reason | None] = None  # by which operators see it

    def show(self, values: Callable[[], Mapping[str, Any]]) -> "PageFault":
        """Set what the page shows besides the message."""
        self.page_values = values
        return self


class RequestMalformed(PageFault):
    code = "oauth_request_malformed"
    message = (
        "The request cannot be read. Its query must be percent-encoded UTF-8 without NUL, of at most 8192 "
        "characters."
    )


class ClientIdMissing(PageFault):
    code, message = "oauth_client_id_missing", "The request has no client_id."


class ClientUnknown(PageFault):
    error = "invalid_client"
    code, message = "oauth_client_unknown", "No app is registered with this client_id."


class ClientDisabled(PageFault):
    reason = Reason.CLIENT_DISABLED
    error = "unauthorized_client"
    code, message = "oauth_client_disabled", "The operator has turned this client off."


class ClientNotForLogins(PageFault):
    reason = Reason.NOT_FOR_LOGINS
    error = "unauthorized_client"
    code, message = (
        "oauth_client_not_for_logins",
        "This client is a resource, and people cannot log in with it.",
    )


class RedirectUriMissing(PageFault):
    reason = Reason.REDIRECT_MISSING
    code, message = "oauth_redirect_uri_missing", "The request has no redirect_uri."


class RedirectUriInRequestObject(RedirectUriMissing):
    """All parameters are in a request object (RFC 9101, 5), which is why the address is missing."""

    reason = Reason.REQUEST_OBJECT
    message = "The request has no redirect_uri: request objects (request, request_uri) are not supported."


class RedirectUriMismatch(PageFault):
    reason = Reason.REDIRECT_UNKNOWN
    error = "invalid_redirect_uri"
    code = "oauth_redirect_uri_mismatch"
    message = (
        "This redirect_uri is not registered for this client. It must be equal character for character; "
        "only the port of a loopback address may differ."
    )


class RequestRefused(OAuthError):
    """A fault that the client is told by redirect, once its address is proven."""

    reason: ClassVar[Reason | None] = None  # by which operators see it; None is no fault of the set-up


class ParameterRepeated(RequestRefused):
    reason = Reason.PARAMETER_REPEATED
    code, message = "oauth_parameter_repeated", "A parameter is in the request more than once."


class RequestObjectRefused(RequestRefused):
    reason = Reason.REQUEST_OBJECT
    error = "request_not_supported"
    code, message = "oauth_request_object_refused", "The parameter request is not supported."


class RequestUriRefused(RequestRefused):
    reason = Reason.REQUEST_OBJECT
    error = "request_uri_not_supported"
    code, message = "oauth_request_uri_refused", "The parameter request_uri is not supported."


class RegistrationRefused(RequestRefused):
    reason = Reason.REQUEST_OBJECT
    error = "registration_not_supported"
    code, message = "oauth_registration_refused", "The parameter registration is not supported."


class ResponseTypeMissing(RequestRefused):
    reason = Reason.RESPONSE_TYPE
    code, message = "oauth_response_type_missing", "The request has no response_type. It must be code."


class ResponseTypeUnsupported(RequestRefused):
    reason = Reason.RESPONSE_TYPE
    error = "unsupported_response_type"
    code, message = "oauth_response_type_unsupported", "The response_type must be code."


class ResponseModeUnsupported(RequestRefused):
    reason = Reason.RESPONSE_MODE
    code, message = "oauth_response_mode_unsupported", "The response_mode must be query."


class CodeChallengeMissing(RequestRefused):
    reason = Reason.PKCE_MISSING
    code = "oauth_code_challenge_missing"
    message = "This client must send code_challenge with code_challenge_method=S256."


class CodeChallengeMethodInvalid(RequestRefused):
    reason = Reason.PKCE_METHOD
    code = "oauth_code_challenge_method_invalid"
    message = "The code_challenge_method must be S256."


class CodeChallengeInvalid(RequestRefused):
    reason = Reason.PKCE_MALFORMED
    code = "oauth_code_challenge_invalid"
    message = "The code_challenge must be a SHA-256 digest: 43 characters of base64url."


class ScopeInvalid(RequestRefused):
    reason = Reason.SCOPE_INVALID
    error = "invalid_scope"
    code, message = "oauth_scope_invalid", "The client may not have a scope of this request."


class ResourceInvalid(RequestRefused):
    reason = Reason.RESOURCE_UNKNOWN
    error = "invalid_target"  # RFC 8707, 2
    code = "oauth_resource_invalid"
    message = "The resource must be one that is registered for this client, and only one."


class PromptInvalid(RequestRefused):
    reason = Reason.PROMPT_INVALID
    code = "oauth_prompt_invalid"
    message = "The prompt has an unknown word, or none together with others."


class MaxAgeInvalid(RequestRefused):
    reason = Reason.PARAMETER_INVALID
    code, message = "oauth_max_age_invalid", "The max_age must be a whole number of seconds."


class ParameterInvalid(RequestRefused):
    reason = Reason.PARAMETER_INVALID
    code = "oauth_parameter_invalid"
    message = "The state, nonce or login_hint is too long, or has control characters."


class HintInvalid(RequestRefused):
    reason = Reason.HINT_INVALID
    code = "oauth_hint_invalid"
    message = "The id_token_hint is no ID token of this service for this client."


class LoginRequired(RequestRefused):
    error = "login_required"
    code, message = "oauth_login_required", "The person must log in."


class ConsentRequired(RequestRefused):
    error = "consent_required"
    code, message = "oauth_consent_required", "The person must allow this."


class InteractionRequired(RequestRefused):
    error = "interaction_required"
    code, message = "oauth_interaction_required", "The person must do something first."


class AccessDenied(RequestRefused):
    reason = Reason.CONSENT_DENIED
    error = "access_denied"
    code, message = "oauth_access_denied", "The person did not allow this."


class PermissionMissing(RequestRefused):
    reason = Reason.PERMISSION_MISSING
    error = "access_denied"
    code, message = "oauth_permission_missing", "The account is not allowed to use this client."


class TicketInvalid(OAuthError):
    """The request was not opened here within the hour, or was changed since."""

    for_developers = False
    code, message = "oauth_ticket_invalid", "This request has expired. Go back to the app and start again."


class ScopeNotAsked(OAuthError):
    error = "invalid_scope"
    code = "oauth_scope_not_asked"
    message = "The scopes that are allowed must be among those of the request, and openid if it is."
