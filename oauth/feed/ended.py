"""What the revocation feed tells a resource.

An ending is committed after its time, and the times are those of several machines. So each answer looks
again at what ended in the minute before the last one: the last seconds are repeated, and the rest is counted.
If the number has grown, an ending was committed late, and the whole minute is repeated.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from config import MAX_ACCESS_TOKEN_LIFETIME
from oauth.clients import calls
from oauth.feed.cursors import Place, Row
from oauth.feed.errors import NotAResource
from oauth.refusals import Reason, Step
from oauth.stores import endings
from oauth.stores.endings import EndedGrant
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall
from utils.services import Services
from utils.web.forms import Parameters

POLL_AFTER = 3  # seconds
PAGE = 10_000  # grants in an answer: less than 1 MB
LATE = timedelta(seconds=60)  # between the time of an ending and its commit, and between two clocks
REPEATED = timedelta(seconds=5)
# Tokens that were issued before the setting was lowered live for as long as it allowed then.
LIVES = timedelta(seconds=MAX_ACCESS_TOKEN_LIFETIME)
LEAKED_FOR = timedelta(days=2)  # longer than any JWKS is cached, and than any token lives


class Feed(NamedTuple):
    """A page of ended grants, and leaked signing keys. With `more`, the next page follows at once."""

    ended: Sequence[EndedGrant]
    leaked_keys: Sequence[str]
    place: Place
    poll_after: int  # seconds
    lives: int  # seconds: the longest that an access token may live
    more: bool


def feed(
    services: Services, authorization: str | None, after: Place | None, caller: ClientInfo, count: CountCall
) -> Feed:
    """Return the next page of grants for the calling resource that ended after the place it has read to.

    Some that ended shortly before it are repeated. Without a place, all whose tokens may still be valid.
    It is never told whose a grant was. Raises as `calls.guarded`, and `NotAResource`.
    """

    def told(client: Client) -> Feed:
        if client.kind != "resource":
            raise NotAResource(Reason.NOT_A_RESOURCE)
        return _page(services, client.id, after)

    form = Parameters({}, frozenset())
    return calls.guarded(services, Step.FEED, authorization, form, caller, count, told)


def _page(services: Services, client_id: str, after: Place | None) -> Feed:
    tx, now = services.tx(), services.clock.now()
    if after and after.began > now + LATE:  # the clock was set back: what it hides is unknown
        after = None
    oldest = _oldest(now)  # tokens of what ended before have expired
    if after and after.page:
        place, (since, last) = after, after.page
    else:
        # Counted first. What is committed after a count is told below, or is missing in the number.
        place, last = Place(now, _settled(tx, client_id, now)), None
        since = _since(tx, client_id, after, oldest) if after else oldest
    found = endings.page(tx, client_id, since, last, used_since=oldest, limit=PAGE + 1)
    rows, more = found[:PAGE], len(found) > PAGE
    return Feed(
        rows,
        endings.leaked_keys(tx, now - LEAKED_FOR),
        place._replace(page=Row(rows[-1].ended_at, rows[-1].id) if more else None),
        0 if more else POLL_AFTER,
        int(LIVES.total_seconds()),
        more,
    )


def _since(tx: Session, client_id: str, after: Place, oldest: datetime) -> datetime:
    """Return the time after which a resource that has read to this place may have missed an ending."""
    if after.began - LATE <= oldest:
        return oldest
    is_complete = _settled(tx, client_id, after.began) == after.known
    return after.began - (REPEATED if is_complete else LATE)


def _settled(tx: Session, client_id: str, moment: datetime) -> int:
    """Return how many grants ended in the minute before this time, but for the seconds that are repeated."""
    since, until = moment - LATE, moment - REPEATED
    return endings.number(tx, client_id, since, until, used_since=_oldest(moment))


def _oldest(moment: datetime) -> datetime:
    return moment - LIVES - LATE
