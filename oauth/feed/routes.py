"""The revocation feed over HTTP."""

from typing import Any

from flask import request

from oauth.blueprint import oauth_bp
from oauth.feed import cursors, ended, outputs
from oauth.feed.inputs import FeedQuery
from utils.services import services
from utils.web.http import answers, client_info, count_call, limited
from utils.web.validation import takes_query


@oauth_bp.get("/revocations")
@answers(
    200,
    outputs.Revocations,
    errors=("oauth_invalid_client", "oauth_credentials_twice", "oauth_not_a_resource"),
)
@limited("token-failures", by_flow=True)  # each process of a resource polls it
@takes_query(FeedQuery)
def revocations(query: FeedQuery) -> Any:
    """Tell a resource, by Basic, which grants for it ended lately, and which signing keys leaked.

    At most 10,000 grants; with `more`, ask for the others at once with the new `cursor`. An answer may repeat
    grants: keep a set. Ask again after `poll_after` seconds, and forget a grant after `lives` seconds.
    """
    after = None if query.after is None else cursors.read(query.after)
    found = ended.feed(services(), request.headers.get("Authorization"), after, client_info(), count_call)
    return outputs.revocations(found)
