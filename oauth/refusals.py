"""Refused calls of clients, for operators: their record.

`explain-client` shows them. Strangers cause most of these rows: they are counted by minute, bounded in
number, and written once a second at most.
"""

from collections.abc import Callable
from enum import StrEnum

from oauth.reasons import EXPLAINED, Cause, Reason
from oauth.stores import refusals
from utils.client_info import ClientInfo, printable
from utils.services import Services

__all__ = ["Reason", "Step", "note"]


class Step(StrEnum):
    """The step of a login at which a call was refused."""

    AUTHORIZE = "authorize"
    TOKEN = "token"
    USERINFO = "userinfo"
    REVOKE = "revoke"
    INTROSPECT = "introspect"
    LOGOUT = "logout"
    FEED = "feed"


def note(
    services: Services,
    client_id: str,
    step: Step,
    reason: Reason,
    detail: str | Callable[[], str],
    client: ClientInfo,
) -> bool:
    """Count a refused call of a registered client; return whether the caller has something to commit.

    A login that went on with less than it asked for is written, too, and is no refusal in the metrics.
    Writes at most once a second for a client and a cause, in each process; further calls in that second are
    not counted, and need no transaction. `detail` says for operators what differs; it may quote the request,
    never a secret. A function is called only if its text is written.
    """
    cause = EXPLAINED[reason].cause
    if cause is not Cause.LOGIN:
        services.metrics.count_client_refusal(reason)
    slot = f"{client_id}:{cause}"
    if services.refusal_writes.hit(slot, 1).calls > 1:
        return False
    minute = services.clock.now().replace(second=0, microsecond=0)
    values = {
        "client_id": client_id,
        "reason": reason,
        "at": minute,
        "step": step,
        "detail": printable(detail if isinstance(detail, str) else detail()),
        "request_id": client.request_id,
    }
    refusals.count(services.tx(), values)
    return True
