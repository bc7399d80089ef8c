"""Revocation by a client (RFC 7009): its refresh or access token ends the grant of it."""

from uuid import UUID

from auth.events import Event
from auth.stores import audit, users
from oauth import access_tokens, client_calls, tokens
from oauth.client_calls import ParameterMissing
from oauth.refusals import Reason, Step
from oauth.stores import grants
from oauth.stores.grants import GrantEnd
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters


def revoke(
    services: Services, authorization: str | None, form: Parameters, caller: ClientInfo, count: CountCall
) -> None:
    """End the grant of a token of the client that calls. Any other text changes nothing and tells nothing.

    A used or expired token counts as well. Raises as `client_calls.answered`.
    """

    def ended(client: Client) -> None:
        text = form.get("token")
        if text is None:
            raise ParameterMissing(Reason.PARAMETER_INVALID, message="The parameter token is missing.")
        if grant_id := _grant_id(services, client, text):
            _end(services, client, grant_id, caller)

    client_calls.answered(services, Step.REVOKE, authorization, form, caller, count, ended)


def _grant_id(services: Services, client: Client, text: str) -> UUID | None:
    """Return the grant of a genuine token of this client, or None."""
    if token := tokens.read_refresh(text):
        found = grants.found(services.reads, token.grant_id)
        if found is None or not tokens.is_genuine_refresh(services, token, found.grant):
            return None
        return token.grant_id if found.grant.client_id == client.id else None
    access = access_tokens.read(services, text, allow_expired=True)
    return access.grant_id if access and access.client_id == client.id else None


def _end(services: Services, client: Client, grant_id: UUID, caller: ClientInfo) -> None:
    found = grants.found(services.reads, grant_id)
    if found is None or found.grant.client_id != client.id:
        return
    tx, now, grant = services.tx(), services.clock.now(), found.grant
    users.lock_shared(tx, grant.user_id)
    if grants.end(tx, grant.id, GrantEnd.REVOKED, now):
        audit.append(
            tx,
            Event.APP_ENDED,
            now,
            caller,
            user_id=grant.user_id,
            session_id=grant.session_id,
            detail=client.name,
        )
    tx.commit()
