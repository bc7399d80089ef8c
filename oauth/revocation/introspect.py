"""Introspection (RFC 7662), for resources: whether an access token with their audience counts now."""

from typing import Any

from oauth import access_tokens, refusals, usability
from oauth.clients import calls
from oauth.clients.authentication import PUBLIC_KINDS
from oauth.clients.calls import ParameterMissing
from oauth.clients.errors import InvalidClient
from oauth.refusals import Reason, Step
from oauth.stores import grants
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters

TOLD = ("iss", "sub", "aud", "client_id", "scope", "auth_time", "iat", "exp", "jti", "gid")


def introspect(
    services: Services, authorization: str | None, form: Parameters, caller: ClientInfo, count: CountCall
) -> dict[str, Any] | None:
    """Return the claims of an access token that counts now and names a resource of the client that calls.

    None for everything else, and for confidential clients that are no resource. Raises as `calls.guarded`;
    a public client has no credentials, and is refused as one with wrong ones is (RFC 7662, 2.1).
    """

    def told(client: Client) -> dict[str, Any] | None:
        text = form.get("token")
        if text is None:
            raise ParameterMissing(Reason.PARAMETER_INVALID, message="The parameter token is missing.")
        if client.kind != "resource":
            if refusals.note(services, client.id, Step.INTROSPECT, Reason.NOT_A_RESOURCE, "", caller):
                services.tx().commit()
            if client.kind in PUBLIC_KINDS:
                raise InvalidClient(by_header=authorization is not None)
            return None
        return _claims(services, client, text)

    return calls.guarded(services, Step.INTROSPECT, authorization, form, caller, count, told)


def _claims(services: Services, client: Client, text: str) -> dict[str, Any] | None:
    token = access_tokens.read(services, text)
    if token is None:
        return None
    found = grants.found_for_resource(services.reads, token.grant_id, token.audience, client.id)
    if found is None or found.grant.client_id != token.client_id:
        return None
    if usability.refused(services, found, services.clock.now()):
        return None
    return {name: token.claims[name] for name in TOLD if name in token.claims}
