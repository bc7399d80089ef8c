"""What the revocation feed tells a resource."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from oauth.clients import calls
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
# A transaction may set the time of an ending early and commit it late, and clocks of two machines differ.
REPEATED = timedelta(seconds=60)
LEAKED_FOR = timedelta(days=2)  # longer than any JWKS is cached, and than any token lives


class Feed(NamedTuple):
    """Ended grants, and leaked signing keys; `cursor` is in milliseconds since 1970."""

    ended: Sequence[EndedGrant]
    leaked_keys: Sequence[str]
    cursor: int
    poll_after: int  # seconds
    lives: int  # seconds


def feed(
    services: Services, authorization: str | None, after: int | None, caller: ClientInfo, count: CountCall
) -> Feed:
    """Return the grants for the calling resource that ended after the cursor, or in the 60 s before it.

    Without a cursor, all whose access tokens may still be valid. It is never told whose a grant was. Raises
    as `calls.guarded`, and `NotAResource`.
    """

    def told(client: Client) -> Feed:
        if client.kind != "resource":
            raise NotAResource(Reason.NOT_A_RESOURCE)
        return _of(services, client, after)

    form = Parameters({}, frozenset())
    return calls.guarded(services, Step.FEED, authorization, form, caller, count, told)


def _of(services: Services, client: Client, after: int | None) -> Feed:
    tx, now = services.tx(), services.clock.now()
    lives = timedelta(seconds=services.settings.oauth_access_token_lifetime)
    oldest = now - lives - REPEATED  # tokens of what ended before have expired
    since = oldest if after is None else max(oldest, _moment(after, now) - REPEATED)
    return Feed(
        endings.ended_since(tx, client.id, since, used_since=oldest),
        endings.leaked_keys(tx, now - LEAKED_FOR),
        int(now.timestamp() * 1000),
        POLL_AFTER,
        services.settings.oauth_access_token_lifetime,
    )


def _moment(cursor: int, now: datetime) -> datetime:
    """Return the time of a cursor; not a later one than now, as the clock may have been set back."""
    return datetime.fromtimestamp(min(cursor, int(now.timestamp() * 1000)) / 1000, UTC)
