"""The logout request of an application: which client it is from, whose session it names, where it leads."""

from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from oauth.reasons import Reason
from oauth.stores import clients
from tables.oauth import Client
from utils.errors import BadRequest
from utils.services import Services
from utils.web import redirect_uris
from utils.web.forms import Parameters, parsed

MAX_QUERY = 16 * 1024  # characters; an ID token is a part of it
MAX_STATE = 2048
_NAMES = frozenset({"id_token_hint", "client_id", "post_logout_redirect_uri", "state"})


class Hint(NamedTuple):
    """What a valid `id_token_hint` says."""

    subject: str
    sid: str | None


class Fault(NamedTuple):
    """What is wrong with a request of a registered client, for operators."""

    client_id: str
    reason: Reason
    detail: str


class LogoutRequest(NamedTuple):
    """A logout request. Without a client it is as good as none."""

    client: Client | None = None
    hint: Hint | None = None
    redirect_to: str | None = None  # a registered address of the client, with the state
    fault: Fault | None = None


def read(services: Services, tx: Session, query: str) -> LogoutRequest:
    """Return the request of a query. What is not valid in it counts as absent: the person is asked then.

    An expired ID token counts. One that is of another issuer, key, kind or client does not, as the client is
    the one that it was issued to.
    """
    try:
        parameters = parsed(query)
    except BadRequest:
        return LogoutRequest()
    if parameters.repeated & _NAMES:
        return LogoutRequest()
    named, text = parameters.get("client_id"), parameters.get("id_token_hint")
    if text is None:
        return _from(_client(tx, named), None, parameters)
    claims = services.signer.read(services, text, "JWT", allow_expired=True)
    audience = claims.get("aud") if claims else None
    client = _client(tx, audience) if isinstance(audience, str) and named in {None, audience} else None
    if claims is None or client is None:
        known = _client(tx, named)
        return LogoutRequest(fault=Fault(known.id, Reason.HINT_INVALID, "") if known else None)
    sid = claims.get("sid")
    return _from(client, Hint(str(claims.get("sub")), sid if isinstance(sid, str) else None), parameters)


def _client(tx: Session, client_id: str | None) -> Client | None:
    found = clients.find(tx, client_id) if client_id else None
    return found if found and found.disabled_at is None else None


def _is_allowed(client: Client, address: str) -> bool:
    """Whether the rules of registration hold, so that a row that was changed by hand leads nowhere."""
    try:
        redirect_uris.redirect_uri(address, native=client.kind == "native")
    except ValueError:
        return False
    return True


def _from(client: Client | None, hint: Hint | None, parameters: Parameters) -> LogoutRequest:
    """Return the request of a client, with the address to go to if it is one of its own, byte for byte."""
    wanted, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
    if client is None or wanted is None:
        return LogoutRequest(client, hint)
    if wanted not in client.post_logout_uris or not _is_allowed(client, wanted):
        fault = Fault(client.id, Reason.LOGOUT_REDIRECT_UNKNOWN, f"asked for {wanted}")
        return LogoutRequest(client, hint, fault=fault)
    if state is None or len(state) > MAX_STATE:
        return LogoutRequest(client, hint, wanted)
    joint = "&" if "?" in wanted else "?"
    return LogoutRequest(client, hint, f"{wanted}{joint}{urlencode({'state': state})}")
