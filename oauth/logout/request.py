"""The logout request of an application: which client it is from, whose session it names, where it leads."""

from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from oauth.stores import clients
from tables.oauth import Client
from utils.errors import BadRequest
from utils.services import Services
from utils.web.forms import Parameters, parsed

MAX_QUERY = 16 * 1024  # characters; an ID token is a part of it
MAX_STATE = 2048
_NAMES = frozenset({"id_token_hint", "client_id", "post_logout_redirect_uri", "state"})


class Hint(NamedTuple):
    """What a valid `id_token_hint` says."""

    subject: str
    sid: str | None


class LogoutRequest(NamedTuple):
    """A logout request. Without a client it is as good as none."""

    client: Client | None
    hint: Hint | None
    redirect_to: str | None  # a registered address of the client, with the state


def read(services: Services, tx: Session, query: str) -> LogoutRequest:
    """Return the request of a query. What is not valid in it counts as absent: the person is asked then.

    An expired ID token counts. One that is of another issuer, key, kind or client does not, as the client is
    the one that it was issued to.
    """
    try:
        parameters = parsed(query)
    except BadRequest:
        return LogoutRequest(None, None, None)
    if parameters.repeated & _NAMES:
        return LogoutRequest(None, None, None)
    named, text = parameters.get("client_id"), parameters.get("id_token_hint")
    claims = services.signer.read(services, text, "JWT", allow_expired=True) if text else None
    audience = claims.get("aud") if claims else None
    if claims is None or not isinstance(audience, str) or named not in {None, audience}:
        client = _client(tx, named) if text is None else None
        return LogoutRequest(client, None, _address(client, parameters))
    client = _client(tx, audience)
    if client is None:
        return LogoutRequest(None, None, None)
    sid = claims.get("sid")
    hint = Hint(str(claims.get("sub")), sid if isinstance(sid, str) else None)
    return LogoutRequest(client, hint, _address(client, parameters))


def _client(tx: Session, client_id: str | None) -> Client | None:
    found = clients.find(tx, client_id) if client_id else None
    return found if found and found.disabled_at is None else None


def _address(client: Client | None, parameters: Parameters) -> str | None:
    """Return the address to go to, if it is one of the client's, byte for byte, with the state behind it."""
    wanted, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
    if client is None or wanted is None or wanted not in client.post_logout_uris:
        return None
    if state is None or len(state) > MAX_STATE:
        return wanted
    return f"{wanted}{'&' if '?' in wanted else '?'}{urlencode({'state': state})}"
