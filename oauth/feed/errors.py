"""The errors of the revocation feed."""

from oauth.clients.calls import ClientRefused


class NotAResource(ClientRefused):
    status, code, error = 403, "oauth_not_a_resource", "unauthorized_client"
    message = "Only a client of kind resource may read the revocation feed."
