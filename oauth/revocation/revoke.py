"""Revocation by a client (RFC 7009): its refresh or access token ends the grant of it."""

from auth.events import Event
from auth.stores import users
from oauth import access_tokens, tokens
from oauth.activity import record
from oauth.clients import calls
from oauth.clients.calls import ParameterMissing
from oauth.refusals import Reason, Step
from oauth.stores import grants
from oauth.stores.grants import Found, Grant, GrantEnd
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters


def revoke(
    services: Services, authorization: str | None, form: Parameters, caller: ClientInfo, count: CountCall
) -> None:
    """End the grant of a token of the client that calls. Any other text changes nothing and tells nothing.

    A used or expired token counts as well. Raises as `calls.answered`.
    """

    def ended(client: Client) -> None:
        text = form.get("token")
        if text is None:
            raise ParameterMissing(Reason.PARAMETER_INVALID, message="The parameter token is missing.")
        found = _grant(services, text)
        if found is not None and found.grant.client_id == client.id:
            _end(services, client, found.grant, caller)

    calls.answered(services, Step.REVOKE, authorization, form, caller, count, ended)


def _grant(services: Services, text: str) -> Found | None:
    """Return the grant of a genuine refresh or access token, or None."""
    if token := tokens.read_refresh(text):
        found = grants.found(services.reads, token.grant_id)
        is_genuine = found is not None and tokens.is_genuine_refresh(services, token, found.grant)
        return found if is_genuine else None
    access = access_tokens.read(services, text, allow_expired=True)
    return grants.found(services.reads, access.grant_id) if access else None


def _end(services: Services, client: Client, grant: Grant, caller: ClientInfo) -> None:
    tx, now = services.tx(), services.clock.now()
    users.lock_shared(tx, grant.user_id)
    if grants.end(tx, grant.id, GrantEnd.REVOKED, now):
        record(services, Event.APP_ENDED, client, grant, caller)
    tx.commit()
