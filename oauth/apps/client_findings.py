"""What `doctor` finds about the registered clients."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from auth.admin.finding import Finding
from oauth.clients import hosts
from oauth.stores import client_diagnosis
from utils.services import Services

CHECK = "clients"
UNUSED_AFTER = timedelta(days=30)  # since its registration
OLD_SECRET = timedelta(days=365)
NOTICE_LATE = timedelta(minutes=5)
NOTICE_LOST = timedelta(days=1)
SHOWN = 5  # clients that a finding names


def examine(services: Services, resolve: hosts.Resolve = hosts.RESOLVER) -> Iterator[Finding]:
    """Yield the findings about clients: PKCE, use, secrets, untold logouts, and hosts of redirects.

    Looks at most `hosts.MAX_HOSTS` hosts up, for at most `hosts.DEADLINE` seconds, outside a transaction.
    """
    tx, now = services.tx(), services.clock.now()
    number = client_diagnosis.count(tx)
    if not number:
        yield Finding(CHECK, "ok", "No client is registered; the provider publishes nothing.")
        return
    faults = [
        *_named(
            client_diagnosis.without_pkce(tx),
            "may log people in without PKCE",
            "If the application can send it: flask --app app auth clients set CLIENT --pkce required",
        ),
        *_named(
            client_diagnosis.never_used(tx, now - UNUSED_AFTER),
            f"never used since registration, over {UNUSED_AFTER.days} days ago",
            "Run: flask --app app auth explain-client CLIENT; or remove it with `clients remove`.",
        ),
        *_named(
            client_diagnosis.with_old_secrets(tx, now - OLD_SECRET, now),
            "a secret older than a year",
            "Replace it: flask --app app auth clients rotate-secret CLIENT --keep 24h",
        ),
        *_named(
            client_diagnosis.with_failing_notices(
                tx, waiting_since=now - NOTICE_LATE, given_up_since=now - NOTICE_LOST
            ),
            "not told of logouts, as its back-channel address does not answer",
            "See: flask --app app auth clients show CLIENT",
        ),
    ]
    uris = client_diagnosis.redirect_uris(tx)
    tx.rollback()  # the look-ups hold no connection
    faults += _hosts(uris, resolve)
    yield from faults
    if all(each.state == "ok" for each in faults):
        clients = f"{number} client{'' if number == 1 else 's'}"
        words = "with PKCE, in use, secrets young, told of logouts, hosts found"
        yield Finding(CHECK, "ok", f"{clients}: {words}.")


def _hosts(uris: Mapping[str, Sequence[str]], resolve: hosts.Resolve) -> Iterator[Finding]:
    """Yield what is wrong with the hosts of redirect addresses."""
    clients = {client_id: hosts.of_addresses(each) for client_id, each in uris.items()}
    known = sorted({host for each in clients.values() for host in each})
    found = hosts.look_up(known, resolve)
    lost = [
        f"{client_id} ({host})" for client_id, each in clients.items() for host in each if host in found.lost
    ]
    yield from _named(lost, "a redirect address whose host has no address from here", "Check the DNS entry.")
    if found.unanswered:
        text = f"{len(found.unanswered)} of {len(known)} hosts were not found within {hosts.DEADLINE:g} s."
        yield Finding(CHECK, "warning", text, "Check the DNS server of this machine.")
    if unasked := known[hosts.MAX_HOSTS :]:
        text = f"{len(unasked)} of {len(known)} hosts were not looked up: at most {hosts.MAX_HOSTS} are."
        yield Finding(CHECK, "ok", text, "See: flask --app app auth doctor --client CLIENT")


def _named(ids: Sequence[str], what: str, advice: str) -> Iterator[Finding]:
    if not ids:
        return
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    yield Finding(CHECK, "warning", f"{', '.join(ids[:SHOWN])}{more}: {what}.", advice)
