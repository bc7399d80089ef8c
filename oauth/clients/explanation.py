"""`flask auth explain-client`: why the last logins of a client failed, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from oauth.clients import registration
from oauth.clients.authentication import PUBLIC_KINDS
from oauth.reasons import EXPLAINED, Cause, Reason
from oauth.stores import refusals
from tables.oauth import Client, OAuthRefusal
from utils.services import Services

BY_ANYBODY = "anybody can cause this line"
SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """Refused calls of one minute, of one reason."""

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
    """What stands in the way of logins now, and the refusals of the last days, the newest first."""

    client: Client
    findings: list[str]
    lines: list[Line]


def explain(services: Services, name: str) -> Explanation:
    """Return why logins of this client fail. Raises `ClientNotFound`."""
    shown = registration.find(services, name)
    found = shown.row.client
    rows = refusals.of_client(services.tx(), found.id)
    return Explanation(found, [*_findings(services, shown)], [_line(found, row) for row in rows])


def text_of(line: Line) -> str:
    """Return a line as text."""
    times = f" ({line.count} times in that minute)" if line.count > 1 else ""
    mark = f" [{BY_ANYBODY}]" if line.by_anybody else ""
    detail = f" {line.detail}." if line.detail else ""
    return f"{line.at:%Y-%m-%d %H:%M} UTC  {line.step}: {line.sentence}{detail}{times}{mark}"


def _findings(services: Services, shown: registration.ShownClient) -> list[str]:
    found, now = shown.row.client, services.clock.now()
    said = []
    if not services.settings.oauth_provider:
        said.append("The provider is off: set OAUTH_PROVIDER=true.")
    if found.disabled_at is not None:
        said.append("The client is disabled: every call is refused.")
    if found.kind not in PUBLIC_KINDS and not shown.secrets:
        said.append("It has no valid secret: make one with `clients rotate-secret`.")
    ends = [each.expires_at for each in shown.secrets]
    if ends and all(end is not None and end - now < SOON for end in ends):
        said.append("Its only secret ends within a week: make a new one with `clients rotate-secret`.")
    if found.required_permission:
        said.append(f"Only accounts with the permission {found.required_permission} may use it.")
    if found.require_factor:
        said.append("Only accounts with a second factor may use it.")
    if shown.row.last_used_at is None:
        said.append("It has never authenticated at this service.")
    return said


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
