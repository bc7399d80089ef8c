"""`flask auth doctor --client NAME`: checks of one client, with advice."""

from collections.abc import Iterator
from datetime import timedelta

from auth.admin.finding import Finding
from oauth.clients import explanation, hosts, registration
from oauth.clients.authentication import PUBLIC_KINDS
from oauth.clients.hosts import Resolve
from oauth.clients.registration import ShownClient
from oauth.diagnosis import login
from utils.services import Services
from utils.web import redirect_uris

OLD = timedelta(days=365)  # of a secret
LATELY = timedelta(days=1)


def examine(services: Services, name: str, resolve: Resolve = hosts.RESOLVER) -> list[Finding]:
    """Return the findings of all checks of a client, and of a rehearsed login.

    Looks its hosts up. Raises `ClientNotFound`.
    """
    shown = registration.find(services, name)
    found = [*_state(services, shown), *_secrets(services, shown), *_rules(shown)]
    found += [*_addresses(services, shown, resolve), *_refusals(services, name)]
    services.tx().rollback()
    return [*found, *login.rehearse(services, shown)]


def _state(services: Services, shown: ShownClient) -> Iterator[Finding]:
    if not services.settings.oauth_provider:
        yield Finding("client", "problem", "The provider is off.", "Set OAUTH_PROVIDER=true.")
    if shown.row.client.disabled_at is not None:
        advice = f"Run: flask --app app auth clients enable {shown.row.client.id}"
        yield Finding("client", "problem", "The client is disabled.", advice)
    elif shown.row.last_used_at is None:
        text = "It has never authenticated at this service."
        yield Finding("client", "warning", text, "Configure the application, or remove the client.")
    else:
        # Written once an hour at most, so that later calls of the hour are not known.
        text = f"It authenticated at {shown.row.last_used_at:%Y-%m-%d %H:%M} UTC, or up to an hour later."
        yield Finding("client", "ok", text)


def _secrets(services: Services, shown: ShownClient) -> Iterator[Finding]:
    now, client_id = services.clock.now(), shown.row.client.id
    advice = f"Run: flask --app app auth clients rotate-secret {client_id} --keep 24h"
    if shown.row.client.kind in PUBLIC_KINDS:
        yield Finding("secret", "ok", "A public client has none.")
    elif not shown.secrets:
        yield Finding("secret", "problem", "It has no valid secret.", advice)
    elif now - shown.secrets[0].created_at > OLD:
        yield Finding("secret", "warning", "Its secret is older than a year.", advice)
    elif len(shown.secrets) > 1:
        used = shown.secrets[0].last_used_at
        text = "Two secrets are valid, and the new one " + ("is in use." if used else "was never used.")
        yield Finding("secret", "ok" if used else "warning", text, "" if used else "Configure the new one.")
    else:
        yield Finding("secret", "ok", "Its secret is valid.")


def _rules(shown: ShownClient) -> Iterator[Finding]:
    found = shown.row.client
    if found.pkce == "optional":
        command = f"flask --app app auth clients set {found.id} --pkce required"
        advice = f"If it can, switch it on there and run: {command}"
        yield Finding("pkce", "warning", "The client may leave PKCE out.", advice)
    elif found.kind != "resource":
        yield Finding("pkce", "ok", "PKCE is required.")
    if found.takes_unverified:
        text = "It is told unconfirmed addresses."
        yield Finding("addresses", "warning", text, "It must not take them for proof of who a person is.")


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


def _refusals(services: Services, name: str) -> Iterator[Finding]:
    now = services.clock.now()
    lately = [each for each in explanation.explain(services, name).lines if now - each.at < LATELY]
    for line in lately[:5]:
        yield Finding("login", "warning", explanation.text_of(line), line.advice)
    if not lately:
        yield Finding("login", "ok", "No call was refused in the last day.")
