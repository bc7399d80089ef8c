"""Whether a logout request ends the session of this browser at once, asks, or has nothing to end."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from auth.sessions import lifecycle, rotation
from oauth import refusals, tokens
from oauth.logout import request as requests
from oauth.logout.request import LogoutRequest
from oauth.refusals import Step
from oauth.stores import apps
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.services import Principal, Services

MAX_APPS = 20  # that are named after a logout


class Here(NamedTuple):
    """The living session of the calling browser."""

    session_id: UUID
    user_id: int


class Decision(NamedTuple):
    """What the page does: ask the person (`is_asked`), or go on.

    `redirect_to` is a registered address of the client. Without `at_once` it is offered as a link only.
    `apps` are the names of other clients that had access through the session and are not told of its end.
    """

    is_asked: bool
    client: Client | None
    redirect_to: str | None = None
    at_once: bool = False
    apps: Sequence[str] = ()


def decide(
    services: Services,
    *,
    query: str,
    confirmed: bool,
    principal: Principal | None,
    access_token: str | None,
    refresh_tokens: Sequence[str],
    client: ClientInfo,
) -> Decision:
    """End the session of this browser, or say that the person has to be asked (ASVS 10.6.2).

    It ends at once by a hint with its `sid`, else when the person has confirmed it. An address of the client
    is gone to at once only with a valid hint of the same person.
    """
    tx = services.tx()
    asked, here = requests.read(services, tx, query), _session_here(services, tx, principal, refresh_tokens)
    tx.rollback()
    if asked.fault:
        client_id, reason, detail = asked.fault
        if refusals.note(services, client_id, Step.LOGOUT, reason, detail, client):
            tx.commit()
    if here is None:
        return Decision(False, asked.client, asked.redirect_to, asked.hint is not None)
    if not confirmed and not _names(asked, here):
        return Decision(True, asked.client)
    left = _not_told(services, tx, asked, here)
    tx.rollback()
    lifecycle.log_out(services, refresh_tokens=refresh_tokens, access_token=access_token, client=client)
    is_same = asked.hint is not None and asked.hint.subject == str(here.user_id)
    return Decision(False, asked.client, asked.redirect_to, is_same, left)


def _not_told(services: Services, tx: Session, asked: LogoutRequest, here: Here) -> list[str]:
    """Return the names of the apps of this session that are not told of its end, but for the asking one."""
    named = asked.client.id if asked.client else None
    now = services.clock.now()
    return apps.names_not_told(tx, here.user_id, here.session_id, now, but=named, limit=MAX_APPS)


def _session_here(
    services: Services, tx: Session, principal: Principal | None, refresh_tokens: Sequence[str]
) -> Here | None:
    if principal is not None and principal.session_id is not None:
        return Here(principal.session_id, principal.user_id)
    now = services.clock.now()
    for text in refresh_tokens:
        found = rotation.session_of(services, tx, text)
        if found and found.ended_at is None and min(found.idle_end, found.absolute_end) > now:
            return Here(found.id, found.user_id)
    return None


def _names(asked: LogoutRequest, here: Here) -> bool:
    """Whether the request comes with a hint of this very session."""
    if asked.client is None or asked.hint is None or asked.hint.subject != str(here.user_id):
        return False
    return asked.hint.sid == tokens.sid(here.session_id, asked.client.id)
