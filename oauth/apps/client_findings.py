"""What `doctor` finds about the registered clients."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from auth.admin.finding import Finding
from oauth.stores import client_diagnosis
from utils.services import Services

CHECK = "clients"
UNUSED_AFTER = timedelta(days=30)  # since its registration
OLD_SECRET = timedelta(days=365)
NOTICE_LATE = timedelta(minutes=5)
NOTICE_LOST = timedelta(days=1)
SHOWN = 5  # clients that a finding names


def examine(services: Services) -> Iterator[Finding]:
    """Yield the findings about clients: PKCE, use, secrets, and logouts that they are not told of."""
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
    yield from faults
    if not faults:
        clients = f"{number} client{'' if number == 1 else 's'}"
        yield Finding(CHECK, "ok", f"{clients}: with PKCE, in use, secrets young, told of logouts.")


def _named(ids: Sequence[str], what: str, advice: str) -> Iterator[Finding]:
    if not ids:
        return
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    yield Finding(CHECK, "warning", f"{', '.join(ids[:SHOWN])}{more}: {what}.", advice)
