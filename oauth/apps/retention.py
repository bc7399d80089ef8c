"""How long the rows of the provider are kept after their end."""

from collections.abc import Sequence
from datetime import timedelta

from oauth.stores import retention, signing_keys
from utils.additions import Kept
from utils.services import Services

CODES = timedelta(days=1)  # after they expired: until then a second use ends the grant
NOTICES = timedelta(days=30)  # after they were sent or given up, as mails
REFUSALS = timedelta(days=7)
AFTER_TOKENS = timedelta(hours=1)  # the feed names a grant until its last access token expired


def kept(services: Services) -> Sequence[Kept]:
    """Return the tables that only grow, and how long a row stays after its end.

    Consents stay until the person or the operator removes them. Those of erased accounts and removed clients
    go with these.
    """
    settings = services.settings
    told_until = timedelta(seconds=settings.oauth_access_token_lifetime) + AFTER_TOKENS
    ended = max(timedelta(seconds=settings.ended_session_retention), told_until)
    return [
        Kept("oauth_codes", CODES, retention.prune_codes),
        Kept("oauth_grants", ended, retention.prune_grants),
        Kept("oauth_notices", NOTICES, retention.prune_notices),
        Kept("oauth_refusals", REFUSALS, retention.prune_refusals),
        Kept("oauth_client_secrets", timedelta(0), retention.prune_secrets),
        Kept("signing_keys", timedelta(0), signing_keys.prune),
    ]
