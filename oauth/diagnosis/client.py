"""`flask auth doctor --client NAME`: checks of one client, with advice."""

from collections.abc import Iterator, Sequence

from auth.admin.finding import Finding
from oauth.clients import explanation, hosts, registration
from oauth.clients.explanation import Line
from oauth.clients.hosts import Resolve
from oauth.clients.registration import ShownClient
from oauth.diagnosis import login
from utils.services import Services
from utils.web import redirect_uris


def examine(services: Services, name: str, resolve: Resolve = hosts.RESOLVER) -> list[Finding]:
    """Return the findings of all checks of a client, and of a rehearsed login.

    Looks its hosts up. Raises `ClientNotFound`.
    """
    shown = registration.find(services, name)
    explained = explanation.of_client(services, shown)
    found = [*explained.findings, *_addresses(services, shown, resolve), *_refusals(explained.lines)]
    services.tx().rollback()
    return [*found, *login.rehearse(services, shown)]


def _addresses(services: Services, shown: ShownClient, resolve: Resolve) -> Iterator[Finding]:
    uris = [*shown.definition.redirect_uris, *shown.definition.post_logout_uris]
    uris += [each for each in (shown.definition.backchannel_uri,) if each]
    if services.settings.production and shown.row.client.kind != "native":
        for uri in filter(redirect_uris.is_loopback, uris):
            yield Finding("address", "warning", f"{uri} leads to the person's own machine.", "Remove it.")
    found = hosts.look_up(hosts.of_addresses(uris), resolve)
    for host in found.lost:
        yield Finding("address", "warning", f"{host} has no address from here.", "Check the DNS entry.")
    for host in found.unanswered:
        yield Finding("address", "warning", f"{host} was not found in time.", "Check the DNS server.")
    if not any(found):
        yield Finding("address", "ok", "Its hosts have addresses.")


def _refusals(lines: Sequence[Line]) -> Iterator[Finding]:
    for line in lines:
        yield Finding("login", "warning", explanation.text_of(line), line.advice)
    if not lines:
        yield Finding("login", "ok", explanation.NOTHING_REFUSED)
