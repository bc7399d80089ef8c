"""One call of the token endpoint (RFC 6749, 3.2), from the authentication of the client to its tokens."""

from collections.abc import Callable, Mapping

from oauth.clients import calls
from oauth.errors import OAuthError
from oauth.refusals import Reason, Step
from oauth.token import code, refresh
from oauth.token.errors import ClientUnauthorized, GrantTypeUnsupported
from oauth.token.issuing import Issued
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters

Redeem = Callable[[Services, Client, Parameters, ClientInfo], Issued]
GRANT_TYPES: Mapping[str, Redeem] = {"authorization_code": code.redeem, "refresh_token": refresh.refresh}
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
    label = grant_type if grant_type in GRANT_TYPES else "other"

    def issued(client: Client) -> Issued:
        return _redeem_of(grant_type, client)(services, client, form, caller)

    try:
        answer = calls.answered(services, Step.TOKEN, authorization, form, caller, count, issued)
    except OAuthError as refused:
        services.metrics.client_tokens.labels(label, refused.error).inc()
        raise
    services.metrics.client_tokens.labels(label, "issued").inc()
    return answer


def _redeem_of(grant_type: str | None, client: Client) -> Redeem:
    """Return the flow of a grant type. Every grant type has one rule: who may use it is the client's kind."""
    if grant_type is None:
        raise calls.ParameterMissing(Reason.GRANT_TYPE, message="The parameter grant_type is missing.")
    if grant_type not in GRANT_TYPES:
        raise GrantTypeUnsupported(Reason.GRANT_TYPE, f"sent {grant_type}")
    if client.kind not in LOGIN_KINDS:
        raise ClientUnauthorized(Reason.NOT_FOR_LOGINS)
    return GRANT_TYPES[grant_type]
