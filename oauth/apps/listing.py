"""The apps that have access to an account: each client with a consent or a living grant."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from auth.sessions import step_up
from oauth.stores import apps, consents
from oauth.stores.apps import ClientRow, ConsentRow, GrantRow
from utils.services import Principal, Services

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Scope(NamedTuple):
    """Something that an app may do. `words` is None for the scopes of OpenID Connect and of this service."""

    name: str
    words: str | None


class App(NamedTuple):
    """An app as the owner of an account sees it.

    `host` is None for one on the person's own device. `since` is when it was allowed last; without a consent,
    as for a trusted app, when its oldest living access began. `last_used_at` and `ip_address` are of the
    access that was used last, if one lives.
    """

    client_id: str
    name: str
    host: str | None
    scopes: Sequence[Scope]
    resources: Sequence[str]  # names of those that it may call
    since: datetime
    last_used_at: datetime | None
    ip_address: str | None
    works_without_you: bool  # it has access beyond a session


def of_caller(services: Services, principal: Principal) -> list[App]:
    """Return the apps of the caller, by name. Raises `SessionRequired`."""
    step_up.own_session(principal)
    return of_account(services, principal.user_id)


def of_account(services: Services, user_id: int) -> list[App]:
    """Return the apps of this account, by name."""
    tx = services.tx()
    allowed = {each.client_id: each for each in apps.consents(tx, user_id)}
    grants = defaultdict[str, list[GrantRow]](list)
    for grant in apps.living_grants(tx, user_id, services.clock.now()):
        grants[grant.client_id].append(grant)
    clients = apps.clients(tx, {*allowed, *grants})
    named = {name for each in allowed.values() for name in each.resources}
    named |= {grant.resource for each in grants.values() for grant in each if grant.resource}
    words = apps.scope_words(tx, named)
    found = [
        app_of(client, allowed.get(client.id), grants.get(client.id, []), words)
        for client in clients.values()
    ]
    return sorted(found, key=lambda app: (app.name.casefold(), app.client_id))


def app_of(
    client: ClientRow,
    consent: ConsentRow | None,
    grants: Sequence[GrantRow],
    words: Mapping[str, tuple[str, Mapping[str, str]]],
) -> App:
    """Return the app of a client. Of consent and grants, the latest used first, there is one at least."""
    may = [consents.split(each) for each in (consent.scopes if consent else ())]
    may += [(grant.resource or "", scope) for grant in grants for scope in grant.scopes]
    of_resources = dict.fromkeys(consent.resources if consent else ())
    of_resources |= dict.fromkeys(grant.resource for grant in grants if grant.resource)
    known = [words[identifier] for identifier in of_resources if identifier in words]
    scopes = [Scope(scope, words[named][1].get(scope) if named in words else None) for named, scope in may]
    return App(
        client_id=client.id,
        name=client.name,
        host=host_of(client),
        scopes=list(dict.fromkeys(scopes)),
        resources=[name for name, _ in known],
        since=consent.granted_at if consent else min(grant.created_at for grant in grants),
        last_used_at=grants[0].last_used_at if grants else None,
        ip_address=grants[0].ip_address if grants else None,
        works_without_you=any(grant.offline for grant in grants),
    )


def host_of(client: ClientRow) -> str | None:
    """Return the host of the client's own page, or else of its first redirect address on a host."""
    for uri in filter(None, [client.uri, *client.redirect_uris]):
        parts = urlsplit(uri)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.hostname not in LOOPBACK:
            return parts.hostname
    return None


def names_by_session(
    services: Services, tx: Session, user_id: int, session_ids: Collection[UUID]
) -> dict[UUID, list[str]]:
    """Return the names of the apps that have access through each of these sessions, sorted."""
    found = defaultdict[UUID, list[str]](list)
    for session_id, name in apps.names_by_session(tx, user_id, session_ids, services.clock.now()):
        found[session_id].append(name)
    return found
