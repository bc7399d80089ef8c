"""`clients apply`: make what a TOML file says.

A table for each client, by its id, and for each resource, by its identifier:

    [clients.grafana]
    preset = "grafana"
    uri = "https://grafana.example.com"

    [resources."https://api.example.com"]
    name = "Orders"
    scopes = { "orders:read" = "Read your orders" }

The parts of a client are those of `oauth.clients.definition.Definition`. What the file does not name keeps
its default, and is set back to it. Clients that the file does not have are left alone.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from auth.roles.actors import Operator
from oauth.clients import drafts, registration
from oauth.clients.definition import Definition, checked_id
from oauth.clients.errors import ClientInvalid, ClientNotFound, ResourceNotFound
from oauth.resources import registration as resource_registration
from utils.services import Services

MAX_FILE = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to a client or resource: `created`, `changed` or `unchanged`, and which parts changed."""

    kind: str  # client or resource
    id: str
    outcome: str
    parts: list[str]
    secret: str | None = None
    client_id: str | None = None  # by which a resource authenticates


def read(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tables of clients and of resources. Raises `ClientInvalid`."""
    try:
        document = tomllib.loads(raw[: MAX_FILE + 1].decode("utf-8"))
    except tomllib.TOMLDecodeError as fault:
        place = str(fault).rpartition("(")[2].rstrip(")")
        raise ClientInvalid(f"The file is not valid TOML ({place}).") from None
    except UnicodeDecodeError:
        raise ClientInvalid("The file is not UTF-8.") from None
    if len(raw) > MAX_FILE:
        raise ClientInvalid("The file is larger than 1 MiB.")
    if not set(document) <= {"clients", "resources"}:
        raise ClientInvalid("The file may have the tables `clients` and `resources` only.")
    found = document.get("clients", {}), document.get("resources", {})
    for tables in found:
        if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in tables.values()):
            raise ClientInvalid("Write a table for each client and resource, such as [clients.grafana].")
    return found


def apply(services: Services, operator: Operator, raw: bytes, *, dry_run: bool) -> list[Outcome]:
    """Make what the file says and return what changed, resources first. A dry run changes nothing.

    The whole file is read before anything is changed. Raises `ClientInvalid` with the client's id in the
    message, `ClientNameTaken` and `ResourceTaken`; what was made before stays.
    """
    clients, resources = read(raw)
    wanted = {client_id: _draft(services, client_id, table) for client_id, table in clients.items()}
    described = {url: resource_registration.described(url, table) for url, table in resources.items()}
    new_resources = frozenset(each.identifier for each in described.values())
    for client_id, definition in wanted.items():
        with _named(client_id):
            wanted[client_id] = registration.check(services, definition, new_resources)
    found = [_resource(services, operator, each, dry_run=dry_run) for each in described.values()]
    for client_id, definition in wanted.items():
        with _named(client_id):
            found.append(_client(services, operator, client_id, definition, dry_run=dry_run))
    return found


class _named:  # noqa: N801  (a context manager that reads as a verb)
    """Put the id of the client before the message of a fault."""

    def __init__(self, client_id: str) -> None:
        self._client_id = client_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        if isinstance(fault, ClientInvalid):
            raise ClientInvalid(f"{self._client_id}: {fault.message}", fields=fault.fields) from None


def _draft(services: Services, client_id: str, table: Mapping[str, Any]) -> Definition:
    with _named(checked_id(client_id)):
        return drafts.draft(client_id, table, services.settings.id_token_alg)


def _client(
    services: Services, operator: Operator, client_id: str, wanted: Definition, *, dry_run: bool
) -> Outcome:
    try:
        present = registration.find_by_id(services, client_id)
    except ClientNotFound:
        if dry_run:
            return Outcome("client", client_id, "created", [])
        made = registration.add(services, operator, wanted, client_id)
        return Outcome("client", client_id, "created", [], made.secret)
    values = {each.name: getattr(wanted, each.name) for each in fields(wanted)}
    if dry_run:
        changed = registration.differences(present, wanted)
    else:
        _, changed = registration.change(services, operator, client_id, **values)
    return Outcome("client", client_id, "changed" if changed else "unchanged", changed)


def _resource(
    services: Services, operator: Operator, wanted: resource_registration.Description, *, dry_run: bool
) -> Outcome:
    identifier = wanted.identifier
    try:
        present = resource_registration.find(services, identifier)
    except ResourceNotFound:
        if dry_run:
            return Outcome("resource", identifier, "created", [])
        made = resource_registration.add(services, operator, wanted)
        return Outcome("resource", identifier, "created", [], made.secret, made.client_id)
    pairs = {"name": (present.name, wanted.name), "scopes": (present.scopes, wanted.scopes)}
    changed = [part for part, (before, after) in pairs.items() if before != after]
    if changed and not dry_run:
        resource_registration.change(services, operator, wanted)
    return Outcome(
        "resource", identifier, "changed" if changed else "unchanged", changed, client_id=present.client_id
    )
