"""Delivery of back-channel logout: one notice at a time, from the table to the client.

The claim is committed before the client is called, its outcome after. So a process that is killed in between
has told the client once or twice, by the same `jti`, but never not at all.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from auth.events import Event
from auth.stores import audit
from oauth.keys.errors import NoSigningKey
from oauth.stores import notices
from oauth.stores.notices import Claimed, Turn
from utils.background import BackgroundTask
from utils.client_info import ClientInfo
from utils.outgoing import CallFailed
from utils.services import Services
from utils.web.fetch import FetchFailed, Kind

log = logging.getLogger("auth")

LEASE = timedelta(seconds=30)  # longer than a call takes
FIRST_DELAY = timedelta(seconds=1)  # doubled with each failure of the client in a row
MAX_DOUBLINGS = 6
GIVE_UP_AFTER = timedelta(minutes=10)
FAILING = 8  # failures in a row, of some minutes, after which all old notices are given up together
TOKEN_LIFETIME = timedelta(minutes=2)  # Back-Channel Logout, 2.4 recommends at most two minutes
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ACCEPTED = (200, 204)  # Back-Channel Logout, 2.8
MAX_ANSWER = 16 * 1024  # bytes, which are not read further
WAKE_DELAY = 0.2  # seconds after a commit
POLL = 2.0  # seconds between polls
DELIVERER = ClientInfo(address=None, user_agent="notice delivery", request_id="")


def background(deliver: Callable[[], bool], *, in_background: bool) -> BackgroundTask:
    """Return the thread that delivers notices."""
    return BackgroundTask(
        "notice-delivery",
        deliver,
        interrupted=lambda error: log.warning("notice delivery interrupted", extra={"error": error}),
        in_background=in_background,
        poll=POLL,
        delay=WAKE_DELAY,
    )


def deliver_next(services: Services) -> bool:
    """Deliver a notice; False if none is due now."""
    return try_next(services) is not None


def try_next(services: Services) -> str | None:
    """Deliver the next notice; return its outcome, or None if none is due.

    The outcomes are sent, failed (retried later), given_up, outdated, and postponed: this service could not
    call, which is no failure of the client.
    """
    tx, now = services.tx(), services.clock.now()
    if not notices.is_due(tx, now):
        tx.rollback()
        return None
    turn = notices.claim(tx, now, now + LEASE)
    notice = notices.oldest(tx, turn.client_id, now) if turn else None
    if turn is None or notice is None:
        tx.rollback()
        return None
    if turn.backchannel_uri is None or turn.disabled_at is not None:
        notices.give_up(tx, turn.client_id, now, "the client takes no notices", now, only=None)
        notices.end_turn(tx, turn.client_id, now, failures=0)
        tx.commit()
        return "outdated"
    try:
        token = _logout_token(services, turn, notice, now)
    except NoSigningKey:
        token = None
    tx.commit()  # no connection is held while the client answers
    outcome = _told(services, turn, turn.backchannel_uri, notice, token)
    tx.commit()
    services.metrics.notices.labels(outcome).inc()
    return outcome


def _logout_token(services: Services, turn: Turn, notice: Claimed, now: datetime) -> str:
    """Return the logout token (Back-Channel Logout, 2.4), made when it goes: keys may have changed."""
    claims = {
        "aud": turn.client_id,
        "sub": str(notice.user_id),
        "sid": notice.sid,
        "iat": int(now.timestamp()),
        "exp": int((now + TOKEN_LIFETIME).timestamp()),
        "jti": str(notice.id),
        "events": {LOGOUT_EVENT: {}},
    }
    return services.signer.sign(services, turn.id_token_alg, "logout+jwt", claims)


def _told(services: Services, turn: Turn, uri: str, notice: Claimed, token: str | None) -> str:
    """Call the client and record the outcome; return it for the metrics."""
    if token is None:
        return _postponed(services, turn, notice, "no signing key")
    try:
        services.fetch.ask(
            "POST",
            uri,
            body=urlencode({"logout_token": token}),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"},
            expected=ACCEPTED,
            max_answer=MAX_ANSWER,
        )
    except CallFailed as problem:
        if isinstance(problem, FetchFailed) and problem.kind is Kind.BUSY:
            return _postponed(services, turn, notice, str(problem))
        return _failed(services, turn, notice, str(problem))
    notices.delivered(services.tx(), notice.id, turn.client_id, services.clock.now())
    return "sent"


def _postponed(services: Services, turn: Turn, notice: Claimed, error: str) -> str:
    """Record that this service could not call. The client keeps its count of failures."""
    tx = services.tx()
    notices.note_error(tx, notice.id, error)
    notices.end_turn(tx, turn.client_id, services.clock.now() + FIRST_DELAY, failures=turn.failures)
    return "postponed"


def _failed(services: Services, turn: Turn, notice: Claimed, error: str) -> str:
    """Record a failure. After `GIVE_UP_AFTER` the notice is given up, with an event.

    The failure is the client's: its other notices wait as well. Until it answers, its turns come after those
    of clients without failures.
    """
    tx, now = services.tx(), services.clock.now()
    failures, given_up = turn.failures + 1, 0
    if now - notice.created_at >= GIVE_UP_AFTER:
        only = None if failures >= FAILING else notice.id
        given_up = notices.give_up(tx, turn.client_id, now - GIVE_UP_AFTER, error, now, only=only)
        audit.append(tx, Event.NOTICE_GIVEN_UP, now, DELIVERER, detail=turn.client_id, count=max(given_up, 1))
    else:
        notices.note_error(tx, notice.id, error)
    if given_up and not notices.has_waiting(tx, turn.client_id):
        failures = 1  # the next logout is tried as often as any, after those of clients that answer
    delay = FIRST_DELAY * 2 ** min(max(failures - 1, 0), MAX_DOUBLINGS)
    notices.end_turn(tx, turn.client_id, now + delay, failures=failures)
    return "given_up" if given_up else "failed"
