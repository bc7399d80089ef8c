"""Registration of clients by operators. Every change is an audit event; its `detail` is the client's id."""

import secrets
import string
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from auth.events import Event
from auth.roles.actors import Operator, record
from oauth.clients import narrowing
from oauth.clients.authentication import PUBLIC_KINDS, digest_of
from oauth.clients.definition import Definition, checked, checked_id, client_id_of
from oauth.clients.errors import ClientInvalid, ClientNameTaken, ClientNotFound, TooManyClients
from oauth.ending import mass_ending
from oauth.stores import client_secrets, clients, endings, resources
from oauth.stores.client_secrets import Secret
from oauth.stores.clients import Registered
from oauth.stores.grants import GrantEnd
from utils.services import Services

MAX_CLIENTS = 1000
PREFIX = "auth_cs_"  # of secrets, for scanners
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43  # characters: 256 bits


@dataclass(frozen=True, slots=True)
class NewClient:
    """A new client. `secret` is stored nowhere; a public client has none."""

    client_id: str
    definition: Definition
    secret: str | None


@dataclass(frozen=True, slots=True)
class ShownClient:
    """A client as an operator sees it."""

    row: Registered
    definition: Definition
    secrets: list[Secret]


def new_secret() -> str:
    """Return a secret of 256 random bits that needs no encoding in a header, a form or a file."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def add(
    services: Services, operator: Operator, definition: Definition, client_id: str | None = None
) -> NewClient:
    """Register a client, by default under an id made from its name.

    Raises `ClientInvalid`, `ClientNameTaken` and `TooManyClients`.
    """
    wanted = _checked(services, definition)
    chosen = client_id_of(wanted.name) if client_id is None else checked_id(client_id)
    tx, now = services.tx(), services.clock.now()
    if clients.count(tx) >= MAX_CLIENTS:
        raise TooManyClients
    if clients.exists(tx, chosen, wanted.name):
        raise ClientNameTaken
    secret = insert(services, operator, chosen, wanted.columns, now)
    resources.assign(tx, chosen, wanted.resources)
    tx.commit()
    return NewClient(chosen, wanted, secret)


def insert(
    services: Services, operator: Operator, client_id: str, columns: dict[str, Any], now: datetime
) -> str | None:
    """Add the row of a client, with its secret if it is confidential, and its event. The caller commits.

    Returns the secret. Raises `ClientNameTaken` if another transaction has added the id.
    """
    tx = services.tx()
    try:
        clients.add(tx, columns | {"id": client_id, "created_at": now, "created_by": operator.name})
    except IntegrityError:
        tx.rollback()
        raise ClientNameTaken from None
    secret = None if columns["kind"] in PUBLIC_KINDS else new_secret()
    if secret:
        client_secrets.add(tx, client_id, digest_of(secret), now)
    record(services, Event.CLIENT_CREATED, operator, detail=client_id)
    event.listen(tx, "after_commit", lambda _: services.signer.forget_clients(), once=True)
    return secret


def change(
    services: Services, operator: Operator, which: str, /, **values: Any
) -> tuple[Definition, list[str]]:
    """Change parts of a client; return it, and the names of the parts that are different now.

    Grants that cover more than the client may ask for from now on end first, in batches, and those that are
    made meanwhile in the transaction of the change. Raises `ClientNotFound`, `ClientInvalid` and
    `ClientNameTaken`.
    """
    shown = find(services, which)
    after = _changed(services, shown, values)
    changed = _different_parts(shown.definition, after)
    if not changed:
        return after, []
    client_id, tx = shown.row.client.id, services.tx()
    taken = clients.by_name(tx, after.name)
    if taken is not None and taken.client.id != client_id:
        raise ClientNameTaken
    is_narrowed = narrowing.is_narrower(shown.definition, after)
    if is_narrowed:
        mass_ending.end_these(
            services, narrowing.grants_beyond(tx, client_id, after), GrantEnd.CLIENT_NARROWED
        )
    clients.lock(tx, client_id)
    clients.change(tx, client_id, after.columns)
    if "resources" in changed:
        resources.assign(tx, client_id, after.resources)
    if is_narrowed:
        clients.void_codes(tx, client_id)
        endings.end_some(
            tx, narrowing.grants_beyond(tx, client_id, after), GrantEnd.CLIENT_NARROWED, services.clock.now()
        )
    record(services, Event.CLIENT_CHANGED, operator, detail=client_id)
    tx.commit()
    return after, changed


def differences(shown: ShownClient, wanted: Definition) -> list[str]:
    """Return the parts in which a checked definition differs from a client."""
    return _different_parts(shown.definition, wanted)


def check(
    services: Services, definition: Definition, known_resources: frozenset[str] = frozenset()
) -> Definition:
    """Return the definition checked, as if these resources were registered. Raises `ClientInvalid`."""
    return _checked(services, definition, known_resources)


def find_by_id(services: Services, client_id: str) -> ShownClient:
    """Return the client of exactly this id. Raises `ClientNotFound`."""
    found = find(services, client_id)
    if found.row.client.id != client_id:
        raise ClientNotFound
    return found


def find(services: Services, name: str) -> ShownClient:
    """Return the client of this id or name, with its secrets that are valid. Raises `ClientNotFound`."""
    tx = services.tx()
    row = clients.by_name(tx, name)
    if row is None:
        raise ClientNotFound
    return _shown(services, row)


def every(services: Services) -> list[ShownClient]:
    """Return all clients, by id."""
    return [_shown(services, row) for row in clients.every(services.tx())]


def disable(services: Services, operator: Operator, name: str) -> bool:
    """Disable a client, and then end its grants. False if it was disabled before.

    Its calls and logins are refused at once. The revocation feed tells resources of the grants, whose access
    tokens they verify offline. If the call is interrupted, a second one ends the rest of the grants.
    """
    client_id = find(services, name).row.client.id
    is_new, _ = _disabled(services, operator, client_id, GrantEnd.CLIENT_DISABLED)
    return is_new


def _disabled(services: Services, operator: Operator, client_id: str, reason: str) -> tuple[bool, int]:
    """Disable a client and end its grants; return whether it was enabled, and how many grants ended."""
    tx = services.tx()
    clients.lock(tx, client_id)
    is_new = clients.disable(tx, client_id, services.clock.now())
    if is_new:
        clients.void_codes(tx, client_id)
        record(services, Event.CLIENT_DISABLED, operator, detail=client_id)
    tx.commit()
    return is_new, mass_ending.end_of_client(services, client_id, reason)


def enable(services: Services, operator: Operator, name: str) -> bool:
    """Enable a disabled client, whose grants have ended; False if it is enabled already."""
    client_id, tx = find(services, name).row.client.id, services.tx()
    if not clients.enable(tx, client_id):
        return False
    record(services, Event.CLIENT_CHANGED, operator, detail=client_id)
    tx.commit()
    return True


def remove(services: Services, operator: Operator, name: str) -> int:
    """Disable a client, end its grants and remove it; return how many grants ended. Writes an event of each.

    Raises `ClientNotFound` and `ClientInvalid`.
    """
    shown = find(services, name)
    if shown.row.client.kind == "resource":
        raise ClientInvalid("This is the client of a resource: remove it by `resources remove`.")
    client_id = shown.row.client.id
    _, ended = _disabled(services, operator, client_id, GrantEnd.CLIENT_REMOVED)
    erase(services, client_id)
    record(services, Event.CLIENT_REMOVED, operator, detail=client_id)
    services.tx().commit()
    return ended


def erase(services: Services, client_id: str) -> None:
    """Delete a client whose grants have ended. The caller commits.

    Locks the client and its codes in the order of a redemption, of a log-out and of a removal by a person, so
    that none of them can be in a deadlock with it.
    """
    tx = services.tx()
    clients.lock(tx, client_id)
    clients.delete_codes(tx, client_id)
    clients.remove(tx, client_id)


def rotate_secret(services: Services, operator: Operator, name: str, keep: timedelta) -> str:
    """Give a client a new secret and return it. The present one stays valid for `keep`; older ones end.

    Raises `ClientNotFound`, and `ClientInvalid` for a public client.
    """
    shown, tx, now = find(services, name), services.tx(), services.clock.now()
    client_id = shown.row.client.id
    if shown.row.client.kind in PUBLIC_KINDS:
        raise ClientInvalid("A public client has no secret.")
    newest, older = shown.secrets[:1], shown.secrets[1:]
    client_secrets.expire(tx, [each.id for each in newest], now + keep)
    client_secrets.expire(tx, [each.id for each in older], now)
    secret = new_secret()
    client_secrets.add(tx, client_id, digest_of(secret), now)
    record(services, Event.CLIENT_SECRET_ROTATED, operator, detail=client_id)
    tx.commit()
    return secret


def _shown(services: Services, row: Registered) -> ShownClient:
    tx, now = services.tx(), services.clock.now()
    found = resources.of_client(tx, row.client.id)
    defaults_first = sorted(found, key=lambda each: (not each.is_default, each.identifier))
    parts = {name: getattr(row.client, name) for name in Definition.__slots__ if hasattr(row.client, name)}
    parts |= {name: tuple(value) for name, value in parts.items() if isinstance(value, list)}
    identifiers = tuple(each.identifier for each in defaults_first)
    definition = Definition(**parts, preset=row.preset, resources=identifiers)
    return ShownClient(row, definition, list(client_secrets.live(tx, row.client.id, now)))


def _changed(services: Services, shown: ShownClient, values: dict[str, Any]) -> Definition:
    """Return the client with these parts, checked."""
    before = shown.definition
    if shown.row.client.kind == "resource":
        raise ClientInvalid("This is the client of a resource: change it by `resources set`.")
    if values.get("kind", before.kind) != before.kind:
        raise ClientInvalid(fields={"kind": "cannot be changed: remove the client and add it again"})
    return _checked(services, replace(before, **values))


def _different_parts(before: Definition, after: Definition) -> list[str]:
    return [each for each in Definition.__slots__ if _differs(before, after, each)]


def _checked(
    services: Services, definition: Definition, known_resources: frozenset[str] = frozenset()
) -> Definition:
    """Return the definition checked, also that its resources are registered."""
    plain = bool(services.settings.oauth_private_networks)
    wanted = checked(definition, plain_backchannel=plain)
    missing = set(wanted.resources) - resources.known(services.tx(), wanted.resources) - known_resources
    if missing:
        raise ClientInvalid(fields={"resources": "must be registered: add it by `resources add` first"})
    return wanted


def _differs(before: Definition, after: Definition, part: str) -> bool:
    mine, theirs = getattr(before, part), getattr(after, part)
    if isinstance(mine, tuple) and part != "resources":
        return set(mine) != set(theirs)
    return bool(mine != theirs)
