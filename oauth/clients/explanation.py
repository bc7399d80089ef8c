"""Why logins with a client fail, in words. `explain-client` and `doctor --client` print it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from auth.admin.finding import Finding
from oauth.clients import registration
from oauth.clients.authentication import PUBLIC_KINDS
from oauth.clients.registration import ShownClient
from oauth.reasons import EXPLAINED, Cause, Reason
from oauth.stores import refusals
from tables.oauth import Client, OAuthRefusal
from utils.services import Services

BY_ANYBODY = "anybody can cause this line"
NOTHING_REFUSED = "No call was refused in the last week."
SOON = timedelta(days=7)
OLD = timedelta(days=365)  # of a secret


@dataclass(frozen=True, slots=True)
class Line:
    """Refused calls of one minute, of one reason, or what logins of that minute were not given."""

    at: datetime
    step: str
    reason: str
    sentence: str
    detail: str
    advice: str
    count: int
    by_anybody: bool
    request_id: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The findings about a client as it is now, and its refusals of the last days, the newest first."""

    client: Client
    findings: list[Finding]
    lines: list[Line]


def explain(services: Services, name: str) -> Explanation:
    """Return why logins of this client fail. Raises `ClientNotFound`."""
    return of_client(services, registration.find(services, name))


def of_client(services: Services, shown: ShownClient) -> Explanation:
    """Return why logins of this client fail."""
    found = shown.row.client
    rows = refusals.of_client(services.tx(), found.id)
    findings = [*_state(services, shown), *_secrets(services, shown), *_rules(found)]
    return Explanation(found, findings, [_line(found, row) for row in rows])


def text_of(line: Line) -> str:
    """Return a line as text."""
    times = f" ({line.count} times in that minute)" if line.count > 1 else ""
    mark = f" [{BY_ANYBODY}]" if line.by_anybody else ""
    detail = f" {line.detail}." if line.detail else ""
    return f"{line.at:%Y-%m-%d %H:%M} UTC  {line.step}: {line.sentence}{detail}{times}{mark}"


def _state(services: Services, shown: ShownClient) -> Iterator[Finding]:
    if not services.settings.oauth_provider:
        yield Finding("client", "problem", "The provider is off.", "Set OAUTH_PROVIDER=true.")
    if shown.row.client.disabled_at is not None:
        advice = f"Run: flask --app app auth clients enable {shown.row.client.id}"
        yield Finding("client", "problem", "The client is disabled: every call is refused.", advice)
    if shown.row.last_used_at is None:
        text = "It has never authenticated at this service."
        yield Finding("client", "warning", text, "Configure the application, or remove the client.")
    else:
        # Written once an hour at most, so that later calls of the hour are not known.
        text = f"It authenticated at {shown.row.last_used_at:%Y-%m-%d %H:%M} UTC, or up to an hour later."
        yield Finding("client", "ok", text)


def _secrets(services: Services, shown: ShownClient) -> Iterator[Finding]:
    now, client_id = services.clock.now(), shown.row.client.id
    advice = f"Run: flask --app app auth clients rotate-secret {client_id} --keep 24h"
    ends = [each.expires_at for each in shown.secrets]
    if shown.row.client.kind in PUBLIC_KINDS:
        yield Finding("secret", "ok", "A public client has none.")
    elif not shown.secrets:
        yield Finding("secret", "problem", "It has no valid secret.", advice)
    elif all(end is not None and end - now < SOON for end in ends):
        yield Finding("secret", "warning", "Its only secret ends within a week.", advice)
    elif now - shown.secrets[0].created_at > OLD:
        yield Finding("secret", "warning", "Its secret is older than a year.", advice)
    elif len(shown.secrets) > 1:
        used = shown.secrets[0].last_used_at
        text = "Two secrets are valid, and the new one " + ("is in use." if used else "was never used.")
        yield Finding("secret", "ok" if used else "warning", text, "" if used else "Configure the new one.")
    else:
        yield Finding("secret", "ok", "Its secret is valid.")


def _rules(client: Client) -> Iterator[Finding]:
    if client.pkce == "optional":
        command = f"flask --app app auth clients set {client.id} --pkce required"
        advice = f"If it can, switch it on there and run: {command}"
        yield Finding("pkce", "warning", "The client may leave PKCE out.", advice)
    elif client.kind != "resource":
        yield Finding("pkce", "ok", "PKCE is required.")
    if client.takes_unverified:
        text = "It is told unconfirmed addresses."
        yield Finding("addresses", "warning", text, "It must not take them for proof of who a person is.")
    if client.required_permission:
        text = f"Only accounts with the permission {client.required_permission} may use it."
        yield Finding("accounts", "ok", text)
    if client.require_factor:
        yield Finding("accounts", "ok", "Only accounts with a second factor may use it.")


def _line(client: Client, row: OAuthRefusal) -> Line:
    # During a rolling release, a newer process may have written a reason that this one does not know.
    explained = EXPLAINED.get(cast(Reason, row.reason))
    cause = explained.cause if explained else Cause.PERSON
    is_public = client.kind in PUBLIC_KINDS
    return Line(
        at=row.at,
        step=row.step,
        reason=row.reason,
        sentence=explained.sentence if explained else "The call was refused.",
        detail=row.detail,
        advice=explained.advice.replace("CLIENT", client.id) if explained else "",
        count=row.count,
        by_anybody=cause is Cause.ANYBODY or (cause is Cause.CLIENT and is_public),
        request_id=row.request_id,
    )
