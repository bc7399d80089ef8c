"""The revocation feed, as a resource keeps it: what ended while its access tokens live."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from threading import Lock
from urllib.parse import quote

from auth_guard.connections import Connections

POLL_AFTER = 3.0  # seconds, if the service does not say
LONGEST_POLL = 5.0  # seconds: after that, an ending would be known later than promised
KEPT_LONGER = 120.0  # seconds beyond the life of an access token
MAX_FEED = 16 * 1024 * 1024  # bytes


class Feed:
    """The set of ended grants. A check that finds it out of date reads it. Starts no thread."""

    def __init__(
        self, connections: Connections, credentials: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`credentials` is the Authorization header of the resource; `clock` never goes back."""
        self._connections, self._credentials, self._clock = connections, credentials, clock
        self._ended: dict[str, float] = {}  # until when each is kept
        self._leaked: frozenset[str] = frozenset()
        self._cursor: str | None = None
        self._read_at, self._tried_at = float("-inf"), float("-inf")
        self._poll_after, self._reading = POLL_AFTER, Lock()

    def age(self) -> float:
        """Return the seconds since the feed was read, after reading it if it is time.

        While one thread reads, the others go on with what is known, unless that is too old.
        """
        if self._is_time() and self._reading.acquire(blocking=self._clock() - self._read_at > LONGEST_POLL):
            try:
                if self._is_time():  # no other thread has read it meanwhile
                    self._read()
            finally:
                self._reading.release()
        return self._clock() - self._read_at

    def has_ended(self, grant_id: str) -> bool:
        """Whether the grant (`gid`) has ended."""
        return grant_id in self._ended

    def has_leaked(self, key_id: str) -> bool:
        """Whether the signing key (`kid`) has leaked."""
        return key_id in self._leaked

    def _is_time(self) -> bool:
        return self._clock() - self._tried_at >= self._poll_after

    def _read(self) -> None:
        self._tried_at = began = self._clock()
        path = "/oauth/revocations" + (f"?after={quote(self._cursor)}" if self._cursor else "")
        try:
            answer, body = self._connections.ask(
                "GET", path, {"Authorization": self._credentials}, most=MAX_FEED
            )
            if answer.status != 200:
                return
            told = json.loads(body)
            ended = [str(each["gid"]) for each in told["ended"]]
            leaked = frozenset(map(str, told["leaked_keys"]))
            until = began + float(told["lives"]) + KEPT_LONGER
            poll_after = min(max(float(told["poll_after"]), 0.5), LONGEST_POLL)
            cursor = str(told["cursor"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
            return
        known = {gid: kept for gid, kept in self._ended.items() if kept > began}
        self._ended = dict.fromkeys(ended, until) | known | dict.fromkeys(ended, until)
        self._leaked, self._cursor, self._poll_after = leaked, cursor, poll_after
        self._read_at = began
