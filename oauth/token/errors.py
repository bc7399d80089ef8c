"""The errors of the token endpoint. As in `auth.errors`, published codes never change their meaning."""

from oauth.clients.calls import ClientRefused


class GrantTypeUnsupported(ClientRefused):
    code, error = "oauth_grant_type_unsupported", "unsupported_grant_type"
    message = "The grant_type must be authorization_code or refresh_token."


class ClientUnauthorized(ClientRefused):
    code, error = "oauth_client_unauthorized", "unauthorized_client"
    message = "This client may not use this grant_type."


class CodeInvalid(ClientRefused):
    code, error = "oauth_code_invalid", "invalid_grant"
    message = "The code is not valid, or was issued to another client, redirect_uri or code_challenge."


class CodeExpired(ClientRefused):
    code, error, message = "oauth_code_expired", "invalid_grant", "The code has expired."


class CodeReused(ClientRefused):
    code, error = "oauth_code_reused", "invalid_grant"
    message = "The code was used before. The access that it gave has ended."


class RefreshTokenUnknown(ClientRefused):
    code, error = "oauth_refresh_token_invalid", "invalid_grant"
    message = "The refresh token is not valid, or was issued to another client."


class RefreshTokenReused(ClientRefused):
    code, error = "oauth_refresh_token_reused", "invalid_grant"
    message = "The refresh token was used before. The access has ended."


class GrantOver(ClientRefused):
    code, error = "oauth_grant_over", "invalid_grant"
    message = "The access has ended, or may not be used now. The person must log in again."


class ScopeNotGranted(ClientRefused):
    code, error = "oauth_scope_not_granted", "invalid_scope"
    message = "The scope must be among what was granted."


class ResourceNotGranted(ClientRefused):
    code, error = "oauth_resource_not_granted", "invalid_target"  # RFC 8707, 2
    message = "The resource must be the one that was granted."
