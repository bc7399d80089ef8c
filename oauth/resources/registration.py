"""Registration of resources by operators. Each has a client of its own, for introspection and the feed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from auth.events import Event
from auth.roles.actors import Operator, record
from oauth.clients import registration as clients_registration
from oauth.clients.definition import SCOPES, Definition, client_id_of, shown_name
from oauth.clients.errors import ClientInvalid, ClientNameTaken, ResourceNotFound, ResourceTaken
from oauth.stores import clients, endings, resources, row_locks
from oauth.stores.grants import GrantEnd
from oauth.stores.resources import RegisteredResource
from utils.services import Services
from utils.web import redirect_uris

MAX_SCOPES = 50
MAX_WORDS = 120
_SCOPE = re.compile(r"[A-Za-z][A-Za-z0-9:._/-]{0,63}")


@dataclass(frozen=True, slots=True)
class Description:
    """A resource as an operator describes it. `scopes` has the words of each for the consent page."""

    identifier: str
    name: str
    scopes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewResource:
    """A new resource, and the credentials of its client. The secret is stored nowhere."""

    identifier: str
    client_id: str
    secret: str


def description(url: str, name: str | None, scopes: Mapping[str, str]) -> Description:
    """Return a checked description. Without a name it is that of the host. Raises `ClientInvalid`."""
    faults: dict[str, str] = {}
    identifier, shown = "", ""
    try:
        identifier = redirect_uris.resource_uri(url)
        shown = shown_name(name if name is not None else redirect_uris.host_of(identifier))
    except ValueError as fault:
        faults["name" if identifier else "url"] = str(fault)
    if len(scopes) > MAX_SCOPES:
        faults["scopes"] = f"must be at most {MAX_SCOPES}"
    for scope, words in scopes.items():
        if not _SCOPE.fullmatch(scope) or scope in SCOPES:
            faults["scopes"] = (
                "must be names such as orders:read, of at most 64 letters, digits and any of : . _ / -, "
                f"and none of {', '.join(SCOPES)}"
            )
        elif not words.strip() or len(words) > MAX_WORDS or not words.isprintable():
            faults["scopes"] = f"must have words for the consent page, at most {MAX_WORDS} characters each"
    if faults:
        raise ClientInvalid("The resource is not valid.", fields=faults)
    return Description(identifier, shown, {scope: words.strip() for scope, words in scopes.items()})


def described(url: str, table: Mapping[str, Any]) -> Description:
    """Return the description of a table of a TOML file. Raises `ClientInvalid`."""
    scopes, name = table.get("scopes", {}), table.get("name")
    is_valid = isinstance(scopes, dict) and all(isinstance(each, str) for each in scopes.values())
    if not set(table) <= {"name", "scopes"} or not is_valid or not isinstance(name, str | None):
        raise ClientInvalid("A resource has a text `name` and a table `scopes` of texts, and nothing else.")
    return description(url, name, scopes)


def add(services: Services, operator: Operator, wanted: Description) -> NewResource:
    """Register a resource and its client. Raises `ClientInvalid` and `ResourceTaken`."""
    tx, now, own = services.tx(), services.clock.now(), services.settings.public_url
    if wanted.identifier == own or wanted.identifier.startswith(f"{own}/"):
        raise ClientInvalid(fields={"url": "must not be the address of this service"})
    if resources.find(tx, wanted.identifier) is not None:
        raise ResourceTaken
    client_id = _free_id(services, wanted.identifier)
    columns = Definition(name=wanted.name, kind="resource", scopes=()).columns
    secret = clients_registration.insert(services, operator, client_id, columns, now)
    try:
        resources.add(tx, wanted.identifier, client_id, wanted.name, wanted.scopes, now)
    except IntegrityError:
        tx.rollback()
        raise ResourceTaken from None
    record(services, Event.RESOURCE_CHANGED, operator, detail=client_id)
    tx.commit()
    return NewResource(wanted.identifier, client_id, secret or "")


def change(services: Services, operator: Operator, wanted: Description) -> int:
    """Replace name and scopes of a resource. Raises `ResourceNotFound`.

    Grants that hold a scope which it lost end in the same transaction. Returns how many.
    """
    tx = services.tx()
    row_locks.lock_clients_of(tx, wanted.identifier)
    present = find(services, wanted.identifier)
    resources.change(tx, wanted.identifier, wanted.name, wanted.scopes)
    clients.change(tx, present.client_id, {"name": wanted.name})
    beyond = []
    if set(present.scopes) - set(wanted.scopes):
        resources.void_codes(tx, wanted.identifier)
        kept = {*SCOPES, *wanted.scopes}
        beyond = [each for each, held in resources.living_grants(tx, wanted.identifier) if set(held) - kept]
        endings.end_some(tx, beyond, GrantEnd.RESOURCE_NARROWED, services.clock.now())
    record(services, Event.RESOURCE_CHANGED, operator, detail=present.client_id)
    tx.commit()
    return len(beyond)


def find(services: Services, url: str) -> RegisteredResource:
    """Return a resource. Raises `ResourceNotFound`."""
    try:
        found = resources.find(services.tx(), redirect_uris.resource_uri(url))
    except ValueError:
        found = None
    if found is None:
        raise ResourceNotFound
    return found


def every(services: Services) -> Sequence[RegisteredResource]:
    """Return all resources, by identifier."""
    return resources.every(services.tx())


def remove(services: Services, operator: Operator, url: str) -> int:
    """Remove a resource and its client, and end the grants for it; return how many.

    The resource cannot read the revocation feed any more: its verifier does as if the feed were away. Other
    offline verifiers accept tokens until they expire.
    """
    present, tx = find(services, url), services.tx()
    now = services.clock.now()
    row_locks.lock_clients_of(tx, present.identifier)
    resources.void_codes(tx, present.identifier)
    ended = resources.end_grants(tx, present.identifier, GrantEnd.RESOURCE_REMOVED, now)
    resources.remove(tx, present.identifier)
    clients_registration.erase(services, present.client_id)
    record(services, Event.RESOURCE_CHANGED, operator, detail=present.client_id)
    tx.commit()
    return ended


def _free_id(services: Services, identifier: str) -> str:
    """Return an id for the client of a resource, from its address without the scheme."""
    base = client_id_of(identifier.partition("://")[2])[:60]
    tx = services.tx()
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        if clients.find(tx, base + suffix) is None:
            return base + suffix
    raise ClientNameTaken
