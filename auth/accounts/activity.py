"""The activity log of one's own account."""

from collections.abc import Sequence

from auth.stores import audit
from models import AuditEvent
from utils.services import Principal, Services


def page(
    services: Services, principal: Principal, before: int | None, limit: int
) -> tuple[Sequence[AuditEvent], int | None]:
    """Return some of the caller's events, the newest first, and the id below which the next page begins."""
    found = audit.page(services.tx(), principal.user_id, before, limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None
