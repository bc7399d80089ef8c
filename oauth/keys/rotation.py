"""Rotation of signing keys: by `prune` when it is time, by an operator, and after a leak.

A key is published a day before it signs: verifiers keep the published keys for an hour. The exceptions are
the first key and the successor of a key that leaked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from auth.admin.account_expiry import Caller
from auth.events import Event
from auth.stores import audit
from oauth.keys import lifecycle, making
from oauth.keys.lifecycle import KEPT_PUBLISHED, PUBLISHED_AHEAD
from oauth.stores import signing_keys
from oauth.stores.signing_keys import FIRST, Key
from utils.crypto.jws import ALGORITHMS
from utils.services import Services

DUE_AHEAD = timedelta(days=2)  # before the present key has signed for its lifetime: prune runs each hour


class Planned(NamedTuple):
    """The key of an algorithm that signs from then on."""

    alg: str
    kid: str
    signs_from: datetime


def rotate_due(services: Services, caller: Caller) -> int:
    """Publish next keys when it is time, and erase the private parts of former ones; return how many changed.

    Commits. Without any key it does nothing: the first token makes the first ones.
    """
    tx, now, changed = services.tx(), services.clock.now(), 0
    keys = signing_keys.every(tx)
    for alg in {key.alg for key in keys}:
        latest = lifecycle.newest(keys, alg)
        if latest is not None and latest.signs_until - DUE_AHEAD <= now:
            at = max(latest.signs_until, now + PUBLISHED_AHEAD)
            if _publish(services, tx, latest, now, at):
                _record(services, caller, now, f"{alg} published")
                changed += 1
        for key in lifecycle.superseded(keys, alg, now):
            changed += signing_keys.erase_private(tx, key.kid)
    tx.commit()
    return changed


def rotate_now(services: Services, caller: Caller) -> Sequence[Planned]:
    """Publish the next key of each algorithm, unless there is one; return the ones that will sign.

    They sign a day after their publication. Commits.
    """
    tx, now = services.tx(), services.clock.now()
    keys = signing_keys.every(tx)
    for alg in ALGORITHMS:
        latest = lifecycle.newest(keys, alg)
        if latest is None:
            making.add_first(services, tx, services.make_signing_key(alg), now)
        elif latest.signs_from <= now:
            _publish(services, tx, latest, now, now + PUBLISHED_AHEAD)
        else:
            _start(services, tx, keys, latest, max(now, latest.created_at + PUBLISHED_AHEAD))
        _record(services, caller, now, f"{alg} rotated")
    planned = _planned(tx)
    tx.commit()
    return planned


def drop_leaked(services: Services, caller: Caller, kid: str) -> Sequence[Planned] | None:
    """Take a key that leaked out of use at once; return the keys that sign now or next.

    The next key takes its place, or else a new one, without its day. None if there is no such key, or if it
    was dropped already. Commits.
    """
    tx, now = services.tx(), services.clock.now()
    leaked = next((key for key in signing_keys.every(tx) if key.kid == kid), None)
    if leaked is None or not signing_keys.drop_leaked(tx, kid, now):
        tx.rollback()
        return None
    keys = signing_keys.every(tx)
    order = lifecycle.signing_order(keys, leaked.alg, now)
    if not order:
        _succeed(services, tx, keys, leaked.alg, now, now)
    elif order[0].signs_from > now:  # the present one leaked
        _start(services, tx, keys, order[0], now)
    elif leaked.signs_from > now:  # the next one leaked
        at = max(leaked.signs_from, now + PUBLISHED_AHEAD)
        _succeed(services, tx, keys, leaked.alg, now, at)
    _record(services, caller, now, f"{leaked.alg} leaked {kid}")
    planned = _planned(tx)
    tx.commit()
    return planned


def _publish(services: Services, tx: Session, latest: Key, now: datetime, at: datetime) -> bool:
    """Store the successor of a key, which signs until then; False if it has one by now."""
    private = services.make_signing_key(latest.alg)
    if not making.add(services, tx, private, latest.kid, now, signs_from=at):
        return False
    signing_keys.stop_at(tx, latest.kid, at, at + KEPT_PUBLISHED)
    return True


def _succeed(
    services: Services, tx: Session, keys: Sequence[Key], alg: str, now: datetime, at: datetime
) -> None:
    """Store a key after the newest one of an algorithm, which leaked."""
    latest = lifecycle.newest(keys, alg)
    private = services.make_signing_key(alg)
    making.add(services, tx, private, latest.kid if latest else FIRST, now, signs_from=at)


def _start(services: Services, tx: Session, keys: Sequence[Key], key: Key, at: datetime) -> None:
    """Let a next key sign from then on, if that is earlier than planned, and the present one until then."""
    if at >= key.signs_from:
        return
    until = at + timedelta(seconds=services.settings.signing_key_lifetime)
    signing_keys.start_at(tx, key.kid, at, until, until + KEPT_PUBLISHED)
    for former in keys:
        if former.kid == key.predecessor:
            signing_keys.stop_at(tx, former.kid, at, at + KEPT_PUBLISHED)


def _planned(tx: Session) -> list[Planned]:
    """Return the newest key of each algorithm."""
    keys = signing_keys.every(tx)
    newest = [key for alg in ALGORITHMS if (key := lifecycle.newest(keys, alg))]
    return [Planned(key.alg, key.kid, key.signs_from) for key in newest]


def _record(services: Services, caller: Caller, now: datetime, detail: str) -> None:
    tx = services.tx()
    audit.append(tx, Event.KEYS_ROTATED, now, caller.client, operator=caller.name, detail=detail)
