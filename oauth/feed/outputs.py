"""The answer of the revocation feed."""

from typing import Any

from typing_extensions import TypedDict

from oauth.feed import cursors
from oauth.feed.ended import Feed


class EndedGrant(TypedDict):
    """`gid` is the claim of an access token; `at` is in seconds since 1970."""

    gid: str
    at: int


class Revocations(TypedDict):
    """What ended lately. `poll_after` and `lives` (the longest of an access token) are in seconds."""

    ended: list[EndedGrant]
    leaked_keys: list[str]
    cursor: str
    more: bool
    poll_after: int
    lives: int


def revocations(feed: Feed) -> dict[str, Any]:
    return {
        "ended": [{"gid": str(each.id), "at": int(each.ended_at.timestamp())} for each in feed.ended],
        "leaked_keys": list(feed.leaked_keys),
        "cursor": cursors.text(feed.place),
        "more": feed.more,
        "poll_after": feed.poll_after,
        "lives": feed.lives,
    }
