"""The errors of clients. Published codes never change their meaning."""

from auth.errors import Conflict
from oauth.errors import OAuthError
from utils.errors import InvalidInput, NotFound

REALM = 'Basic realm="oauth"'


class InvalidClient(OAuthError):
    """The client is unknown, disabled, or could not be authenticated (RFC 6749, 5.2)."""

    status, code, error = 401, "oauth_invalid_client", "invalid_client"
    message = "The client is unknown, or its secret is wrong."

    def __init__(self, *, by_header: bool, detail: str = "") -> None:
        """With `by_header` the client used the Authorization header, and is told of Basic."""
        super().__init__(detail=detail, headers={"WWW-Authenticate": REALM} if by_header else {})


class CredentialsTwice(OAuthError):
    code = "oauth_credentials_twice"
    message = "Authenticate in one way only, with one client id."


class ClientNotFound(NotFound):
    code = "client_not_found"
    message = "There is no client with this id or name. See: flask --app app auth clients list"


class ClientNameTaken(Conflict):
    code, message = "client_name_taken", "Another client has this name or id."


class TooManyClients(Conflict):
    code, message = "too_many_clients", "Remove a client first: there are a thousand at most."


class ClientInvalid(InvalidInput):
    """`fields` names each faulty part of a client."""

    code, message = "client_invalid", "The client is not valid."


class ResourceNotFound(NotFound):
    code, message = "resource_not_found", "There is no such resource."


class ResourceTaken(Conflict):
    code, message = "resource_taken", "This resource is registered already."
