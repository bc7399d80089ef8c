"""The revocation feed, as a resource keeps it: what ended while its access tokens live."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote

from auth_guard.connections import Connections

POLL_AFTER = 3.0  # seconds, if the service does not say
LONGEST_POLL = 5.0  # seconds: after that, an ending would be known later than promised
KEPT_LONGER = 120.0  # seconds beyond the life of an access token
FORGET_AFTER = 60.0  # seconds between two removals of what is kept no longer
MAX_PAGE = 16 * 1024 * 1024  # bytes
MAX_PAGES, LONGEST_READ = 100, 5.0  # pages that one check reads, and seconds; the next check goes on
MAX_GRANTS = 2_000_000  # beyond that, the feed counts as not read


class _Page(NamedTuple):
    ended: list[str]
    leaked: frozenset[str]
    lives: float  # seconds
    poll_after: float  # seconds
    cursor: str
    more: bool


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
        self._forgot_at = clock()
        self._poll_after, self._reading = POLL_AFTER, Lock()

    def age(self) -> float:
        """Return the seconds since the feed was read to its end, after reading it if it is time.

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
        """Read the pages that there are. What a page says counts at once."""
        self._tried_at = began = self._clock()
        self._forget(began)
        for _ in range(MAX_PAGES):
            page = self._page()
            if page is None:
                return
            self._ended.update(dict.fromkeys(page.ended, began + page.lives + KEPT_LONGER))
            self._leaked, self._cursor = page.leaked, page.cursor
            if len(self._ended) > MAX_GRANTS:
                return
            if not page.more:
                self._read_at, self._poll_after = began, min(max(page.poll_after, 0.5), LONGEST_POLL)
                return
            if self._clock() - began > LONGEST_READ:
                return

    def _page(self) -> _Page | None:
        """Return the next page, or None if the service did not answer with one."""
        path = "/oauth/revocations" + (f"?after={quote(self._cursor)}" if self._cursor else "")
        try:
            answer, body = self._connections.ask(
                "GET", path, {"Authorization": self._credentials}, most=MAX_PAGE
            )
            if answer.status == 400:
                self._cursor = None  # another release of the service made it: read from the start
            if answer.status != 200:
                return None
            told = json.loads(body)
            return _Page(
                [str(each["gid"]) for each in told["ended"]],
                frozenset(map(str, told["leaked_keys"])),
                float(told["lives"]),
                float(told["poll_after"]),
                str(told["cursor"]),
                told.get("more") is True,
            )
        except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _forget(self, now: float) -> None:
        if now - self._forgot_at >= FORGET_AFTER:
            self._ended = {gid: until for gid, until in self._ended.items() if until > now}
            self._forgot_at = now
