"""How long the rows of the provider are kept after their end."""

from collections.abc import Iterator
from datetime import timedelta

from auth.admin.pruning import Growing
from config import MAX_ACCESS_TOKEN_LIFETIME
from oauth.stores import client_secrets, refusals, retention
from utils.services import Services

CODES = timedelta(days=1)  # after they expired: until then a second use ends the grant
NOTICES = timedelta(days=1)  # after they were written, sent or not: they name accounts that may be erased
REFUSALS = timedelta(days=7)
AFTER_TOKENS = timedelta(hours=1)  # the feed names a grant until its last access token has expired


def growing(services: Services) -> Iterator[Growing]:
    """Return the tables that only grow, with the time before which their rows have expired.

    Consents stay until the person or the operator removes them. Those of erased accounts and removed clients
    go with these.
    """
    settings, now = services.settings, services.clock.now()
    told = timedelta(seconds=MAX_ACCESS_TOKEN_LIFETIME) + AFTER_TOKENS
    ended = max(timedelta(seconds=settings.ended_session_retention), told)
    yield Growing("oauth_codes", now - CODES, retention.prune_codes)
    yield Growing("oauth_grants", now - ended, retention.prune_grants)
    yield Growing("oauth_notices", now - NOTICES, retention.prune_notices)
    yield Growing("oauth_refusals", now - REFUSALS, refusals.prune)
    yield Growing("oauth_client_secrets", now, client_secrets.prune)
