"""One call of the token endpoint (RFC 6749, 3.2), from the authentication of the client to its tokens."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from oauth.clients import calls
from oauth.errors import OAuthError
from oauth.refusals import Reason, Step
from oauth.stores import clients
from oauth.token import code, refresh
from oauth.token.errors import ClientUnauthorized, GrantTypeUnsupported
from oauth.token.issuing import Issued
from oauth.token.reading import Reading
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters


class Flow(NamedTuple):
    """A grant type: what reads the client and what it presents, and what makes tokens of it."""

    reading: Callable[[Parameters], Reading[Any]]
    redeem: Callable[[Services, Client, Parameters, ClientInfo, Any], Issued]


GRANT_TYPES: Mapping[str, Flow] = {
    "authorization_code": Flow(code.reading, code.redeem),
    "refresh_token": Flow(refresh.reading, refresh.refresh),
}
LOGIN_KINDS = frozenset({"web", "spa", "native"})  # of clients that people log in to


def exchange(
    services: Services,
    authorization: str | None,
    form: Parameters,
    caller: ClientInfo,
    count: CountCall,
) -> Issued:
    """Return the tokens for what the client presents. `authorization` is the header as it was sent.

    Raises `OAuthError` and `TooManyRequests`, as `calls.answered`.
    """
    grant_type = form.get("grant_type")
    flow = GRANT_TYPES.get(grant_type or "")
    label = grant_type if flow else "other"
    reading = flow.reading(form) if flow else None

    def issued(client: Client) -> Issued:
        redeem = _flow_of(grant_type, client).redeem
        return redeem(services, client, form, caller, reading.found if reading else None)

    try:
        read = reading or clients.calling
        answer = calls.answered(services, Step.TOKEN, authorization, form, caller, count, issued, read)
    except OAuthError as refused:
        services.metrics.count_client_tokens(label, refused.error)
        raise
    services.metrics.count_client_tokens(label, "issued")
    return answer


def _flow_of(grant_type: str | None, client: Client) -> Flow:
    """Return the flow of a grant type. Every grant type has one rule: who may use it is the client's kind."""
    if grant_type is None:
        raise calls.ParameterMissing(Reason.GRANT_TYPE, message="The parameter grant_type is missing.")
    if grant_type not in GRANT_TYPES:
        raise GrantTypeUnsupported(Reason.GRANT_TYPE, f"sent {grant_type}")
    if client.kind not in LOGIN_KINDS:
        raise ClientUnauthorized(Reason.NOT_FOR_LOGINS)
    return GRANT_TYPES[grant_type]
