"""Open an authorization request: check it, and give it a ticket. A GET, which writes nothing but refusals."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from oauth import refusals, tokens
from oauth.authorize import errors, redirects, request
from oauth.authorize.request import AuthorizationRequest, Target
from oauth.refusals import Step
from oauth.stores import clients, resources
from tables.oauth import Client
from utils.client_info import ClientInfo, printable
from utils.crypto.claims import CLOCK_LEEWAY
from utils.services import Services
from utils.web import redirect_uris

TICKET_LIFETIME = timedelta(hours=1)
LEEWAY = timedelta(seconds=CLOCK_LEEWAY)  # the machine that issued a ticket may be ahead
MAX_SHOWN = 200  # characters of a value of the request, on the page of a fault
MAX_NAME = 60
MAX_REGISTERED = 10  # registered addresses on that page


class Opened(NamedTuple):
    """A request that may be shown to the person, or the address to which its refusal is sent."""

    ticket: str
    redirect_to: str | None


def open_request(services: Services, query: str, client: ClientInfo) -> Opened:
    """Return the ticket of a request. Raises a `PageFault` if there is no address for an answer."""
    target = find_target(services, query, client, lambda client_id: clients.known(services.reads, client_id))
    try:
        check(services, target)
    except errors.RequestRefused as refused:
        return Opened("", refuse(services, target, refused, client))
    return Opened(tokens.ticket(services, query, services.clock.now()), None)


def find_target(
    services: Services, query: str, client: ClientInfo, find: Callable[[str], Client | None] | None = None
) -> Target:
    """Return where an answer may go. Raises a `PageFault`, which is recorded for a known client.

    `find` reads a client; without it, the transaction does.
    """
    found: Client | None = None
    values: dict[str, str | None] = {}
    try:
        parameters = request.read(query)
        values = {name: parameters.get(name) for name in ("client_id", "redirect_uri")}
        client_id = request.client_id_of(parameters)
        found = find(client_id) if find else clients.find(services.tx(), client_id)
        return request.target_of(parameters, found)
    except errors.PageFault as fault:
        if found is not None:
            if isinstance(fault, errors.RedirectUriMismatch):
                fault.explain(partial(_difference, values["redirect_uri"] or "", found))
            note(services, found, fault, client)
        raise fault.show(partial(_shown, services, fault, found, values)) from None


def check(services: Services, target: Target) -> AuthorizationRequest:
    """Return the request for a target. Raises `RequestRefused`."""
    tx = services.tx()
    mine = resources.of_client(tx, target.client.id)
    others = resources.scopes_of_others(tx, target.client.id) if target.parameters.get("scope") else ()
    return request.checked(target, mine, others)


def reopened(services: Services, query: str, ticket: str, client: ClientInfo) -> tuple[Target, datetime]:
    """Return the target of a request that was opened within the hour, and when.

    Raises `TicketInvalid` for any other query, or a `PageFault` if the client changed meanwhile.
    """
    opened_at, now = tokens.ticket_time(services, ticket, query), services.clock.now()
    if opened_at is None or not opened_at - LEEWAY <= now < opened_at + TICKET_LIFETIME:
        raise errors.TicketInvalid
    return find_target(services, query, client), opened_at


def locked(services: Services, query: str, target: Target, client: ClientInfo) -> Target:
    """Return the target read again, with its client locked against changes until the end of the transaction.

    What the client may ask for is decided by what is read then. Comes after the lock of the account, as
    everywhere. Raises a `PageFault` if the client changed meanwhile.
    """
    clients.lock_shared(services.tx(), target.client.id)
    return find_target(services, query, client)


def refuse(services: Services, target: Target, refused: errors.RequestRefused, client: ClientInfo) -> str:
    """Return the address that tells the client of the refusal, which is recorded if it is unusual."""
    note(services, target.client, refused, client)
    return redirects.with_answer(
        target.redirect_uri,
        {
            "error": refused.error,
            "error_description": refused.description,
            "state": target.state,
            "iss": services.settings.public_url,  # RFC 9207
            "request_id": client.request_id,  # as in the log; clients ignore it (RFC 6749, 4.1.2)
        },
    )


def note(
    services: Services, known: Client, fault: errors.PageFault | errors.RequestRefused, client: ClientInfo
) -> None:
    """Record a refusal for operators, and commit it. Refusals that every login may have are not recorded."""
    if fault.reason is None:
        return
    if refusals.note(services, known.id, Step.AUTHORIZE, fault.reason, lambda: fault.detail, client):
        services.tx().commit()


def _difference(asked: str, found: Client) -> str:
    return redirect_uris.difference(asked, found.redirect_uris, native=found.kind == "native")


def _shown(
    services: Services, fault: errors.PageFault, found: Client | None, values: Mapping[str, str | None]
) -> Mapping[str, Any]:
    """Return what the page shows. Values of the request and of the client are shown in development only."""
    shown: dict[str, Any] = {"error": fault.error, "app": shown_name(found.name) if found else None}
    if not services.settings.production:
        shown |= {name: _cut(value) for name, value in values.items() if value}
    if found is not None and isinstance(fault, errors.RedirectUriMismatch):
        asked = values["redirect_uri"] or ""
        shown["difference"] = redirects.difference_in_words(
            asked, found.redirect_uris, native=found.kind == "native"
        )
        if not services.settings.production:
            shown["registered"] = [*map(_cut, found.redirect_uris[:MAX_REGISTERED])]
    return shown


def _cut(value: str) -> str:
    value = printable(value)
    return value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"


def shown_name(name: str) -> str:
    """Return a client's name for a page: at most 60 characters, none that controls the text."""
    return "".join(each for each in name if each.isprintable())[:MAX_NAME]
