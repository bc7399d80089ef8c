"""The errors of userinfo (RFC 6750, 3.1). As in `auth.errors`, published codes never change their meaning."""

from typing import ClassVar

from oauth.errors import OAuthError

REALM = 'Bearer realm="oauth"'


class BearerRefused(OAuthError):
    """A refusal with `WWW-Authenticate`, which names the error unless no token was sent."""

    challenge: ClassVar[str] = REALM

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": self.challenge})


class BearerMissing(BearerRefused):
    status, code, error = 401, "oauth_token_missing", "invalid_token"
    message = "Send the access token in the Authorization header, or as access_token in a form."


class BearerMalformed(BearerRefused):
    status, code = 400, "oauth_token_malformed"
    message = "Send one access token, as Bearer in the Authorization header or as access_token in a form."
    challenge = f'{REALM}, error="invalid_request"'


class BearerInvalid(BearerRefused):
    status, code, error = 401, "oauth_token_invalid", "invalid_token"
    message = "The access token is not valid here, has expired, or its access has ended."
    challenge = f'{REALM}, error="invalid_token"'


class ScopeInsufficient(BearerRefused):
    status, code, error = 403, "oauth_scope_insufficient", "insufficient_scope"
    message = "The access token does not have the scope openid."
    challenge = f'{REALM}, error="insufficient_scope", scope="openid"'
