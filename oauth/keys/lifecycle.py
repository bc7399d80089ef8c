"""The life of a signing key: next, present, former, gone. Pure rules over the rows.

    next     published, does not sign: a day at least, so that every cache of the public keys has seen it
    present  published, signs: `SIGNING_KEY_LIFETIME`, and longer if its successor comes late
    former   published, does not sign, private part erased: until what it signed has ended, and a day
    gone     deleted

A key that leaked is neither published nor does it sign, from that moment.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from oauth.stores.signing_keys import Key

State = Literal["next", "present", "former", "leaked"]
PUBLISHED_AHEAD = timedelta(days=1)
LONGEST_TOKEN = timedelta(hours=1)
KEPT_PUBLISHED = LONGEST_TOKEN + timedelta(days=1)


def is_published(key: Key, now: datetime) -> bool:
    """Whether the public part is in the JWKS: of all that may sign, and of former keys for a time."""
    if key.leaked_at is not None:
        return False
    return key.sealed_private is not None or key.published_until > now


def signing_order(keys: Iterable[Key], alg: str, now: datetime) -> list[Key]:
    """Return the keys that may sign, the present one first, after it those that take its place.

    The present key is the newest that signs already. Without one it is the first that will sign: a day of
    publication counts less than an answer.
    """
    able = [key for key in keys if key.alg == alg and key.sealed_private is not None and not key.leaked_at]
    started = sorted((key for key in able if key.signs_from <= now), key=_by_start, reverse=True)
    return started + sorted((key for key in able if key.signs_from > now), key=_by_start)


def superseded(keys: Iterable[Key], alg: str, now: datetime) -> list[Key]:
    """Return the keys that have stopped signing and still have a private part."""
    order = signing_order(keys, alg, now)
    return [key for key in order[1:] if key.signs_from <= now]


def newest(keys: Iterable[Key], alg: str) -> Key | None:
    """Return the key of this algorithm that none has replaced."""
    of_alg = [key for key in keys if key.alg == alg]
    replaced = {key.predecessor for key in of_alg}
    return next((key for key in of_alg if key.kid not in replaced), None)


def state(key: Key, keys: Iterable[Key], now: datetime) -> State:
    """Return the state of a key among all of them."""
    if key.leaked_at is not None:
        return "leaked"
    order = signing_order(keys, key.alg, now)
    if order and order[0].kid == key.kid:
        return "present"
    return "next" if key.signs_from > now else "former"


def _by_start(key: Key) -> tuple[datetime, datetime]:
    return key.signs_from, key.created_at
