"""Rate limits: the table of policies, the counters and the limiter.

A policy counts the requests of one subject (a network, an account) in a window that begins with the first
request. Policies against brute force count exactly across processes, in Redis or else in the database. For
inexpensive reads each process counts for itself, so that reads never write.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from typing import NamedTuple, Protocol

from utils.clock import Clock
from utils.errors import TooManyRequests

log = logging.getLogger("auth")

REDIS_TIMEOUT = 0.2  # seconds; a slower Redis counts as unavailable
REDIS_PAUSE = timedelta(seconds=5)  # pause between attempts after a failure
MAX_LOCAL_KEYS = 50_000  # per process; the least recently used ones are evicted


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` requests of one subject in `window` seconds."""

    quota: int
    window: int
    exact: bool = True


# By the caller's network, unless said otherwise.
POLICIES: Mapping[str, Policy] = {
    "register": Policy(20, 3600),
    "login": Policy(30, 60),
    "passkey-options": Policy(120, 60),  # each view of the login page requests them
    "login-day": Policy(1000, 86_400),
    "login-pair": Policy(60, 86_400),  # by network and login
    "login-account": Policy(20, 900),  # by login, from all unknown devices
    "login-device": Policy(20, 900),  # by account and known device
    "proof": Policy(30, 60),  # calls with a password, a code or a passkey
    "proof-account": Policy(20, 900),  # the same by account
    "mailed": Policy(20, 3600),  # calls that send a mail
    "links": Policy(60, 60),  # calls with a mailed link and nothing else
    "strength": Policy(20, 10, exact=False),
    "account-changes": Policy(60, 3600),
    "refresh": Policy(300, 60),
    "logout": Policy(300, 60),
    "session-changes": Policy(60, 60),
    "reads": Policy(1200, 60, exact=False),
}


class Count(NamedTuple):
    """The number of requests in the current window, including this one, and the seconds until it ends."""

    calls: int
    seconds_left: float


NO_CALLS = Count(0, 0.0)


class Counters(Protocol):
    """A storage of counts."""

    def hit(self, key: str, window: int) -> Count:
        """Count a request and return the count. A new window has `window` seconds."""

    def peek(self, key: str) -> Count:
        """Return the count without counting."""


class LocalCounters:
    """Counts of this process, in bounded memory."""

    def __init__(self, clock: Clock, max_keys: int = MAX_LOCAL_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._lock = Lock()
        self._windows: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def hit(self, key: str, window: float) -> Count:
        now = self._clock.now()
        with self._lock:
            calls, ends = self._windows.pop(key, (0, now))
            if ends <= now:
                calls, ends = 0, now + timedelta(seconds=window)
            ends = min(ends, now + timedelta(seconds=window))  # if the clock was set back
            self._windows[key] = (calls + 1, ends)
            if len(self._windows) > self._max_keys:
                self._windows.popitem(last=False)
        return Count(calls + 1, (ends - now).total_seconds())

    def peek(self, key: str) -> Count:
        now = self._clock.now()
        with self._lock:
            calls, ends = self._windows.get(key, (0, now))
        return Count(calls, (ends - now).total_seconds()) if ends > now else NO_CALLS


class RedisCounters:
    """Counts in Redis, shared by all processes and machines."""

    def __init__(self, url: str) -> None:
        import redis  # noqa: PLC0415  (imports in 0.3 s)

        self._redis = redis.Redis.from_url(
            url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )

    def hit(self, key: str, window: int) -> Count:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(f"auth:limit:{key}")
            pipe.expire(f"auth:limit:{key}", window, nx=True)
            pipe.pttl(f"auth:limit:{key}")
            calls, _, milliseconds = pipe.execute()
        return Count(calls, milliseconds / 1000)

    def peek(self, key: str) -> Count:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.get(f"auth:limit:{key}")
            pipe.pttl(f"auth:limit:{key}")
            calls, milliseconds = pipe.execute()
        return Count(int(calls), milliseconds / 1000) if calls else NO_CALLS

    def check(self) -> None:
        """Raise an exception of the library if Redis does not answer."""
        self._redis.ping()


class FallbackCounters:
    """Counts in Redis, or in this process while Redis is unavailable. Never raises."""

    def __init__(self, shared: Counters, local: Counters, clock: Clock) -> None:
        self._shared, self._local, self._clock = shared, local, clock
        self._retry_at: datetime | None = None

    def hit(self, key: str, window: int) -> Count:
        return self._call(lambda counters: counters.hit(key, window))

    def peek(self, key: str) -> Count:
        return self._call(lambda counters: counters.peek(key))

    def _call(self, operation: Callable[[Counters], Count]) -> Count:
        now, retry_at = self._clock.now(), self._retry_at  # read once: other threads write it
        # A later `retry_at` than now + pause was set before the clock was set back.
        if retry_at is None or not now < retry_at <= now + REDIS_PAUSE:
            try:
                count = operation(self._shared)
            # Any exception: if the server is not Redis, the library raises TypeError and others.
            except Exception as problem:  # noqa: BLE001
                self._retry_at = now + REDIS_PAUSE
                log.warning("redis unavailable", extra={"error": type(problem).__name__})
            else:
                self._retry_at = None
                return count
        return operation(self._local)


class RateLimitStatus(NamedTuple):
    """The state of a policy for one subject (draft-ietf-httpapi-ratelimit-headers, 2025-09)."""

    name: str
    policy: Policy
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.policy.quota};w={self.policy.window}',
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset}',
        }


class Limiter(Protocol):
    """Counts requests against policies and refuses those over the quota."""

    def check(self, name: str, subject: str, *, visible: bool = True) -> RateLimitStatus | None:
        """Count the request. Raises `TooManyRequests`, with the count in its headers if `visible`."""

    def peek(self, name: str, subject: str) -> RateLimitStatus | None:
        """Return the state without counting; None if limits are off."""


class NoLimits:
    """The limiter if limits are off, as in tests and benchmarks."""

    def check(self, name: str, subject: str, *, visible: bool = True) -> None:  # noqa: ARG002
        return None

    def peek(self, name: str, subject: str) -> None:  # noqa: ARG002
        return None


class CountingLimiter:
    """The limiter if limits are on."""

    def __init__(
        self, shared: Counters, local: LocalCounters, policies: Mapping[str, Policy] = POLICIES
    ) -> None:
        self._shared, self._local, self._policies = shared, local, policies

    def check(self, name: str, subject: str, *, visible: bool = True) -> RateLimitStatus:
        policy, key = self._policies[name], f"{name}:{subject}"
        counters = self._shared if policy.exact else self._local
        cached = self._cached_refusal(policy, key)
        count = cached or counters.hit(key, policy.window)
        status = self._status(name, count)
        if count.calls > policy.quota:
            if policy.exact and not cached:
                self._local.hit(f"over:{key}", count.seconds_left)
            # The count of an account must not be visible to strangers: it shows the owner's activity.
            shown = status.headers if visible else {}
            raise TooManyRequests(policy=name, headers={"Retry-After": str(status.reset), **shown})
        return status

    def _cached_refusal(self, policy: Policy, key: str) -> Count | None:
        """Return a count over the quota that is known in this process, so that refusals cost no query."""
        over = self._local.peek(f"over:{key}") if policy.exact else NO_CALLS
        is_current = over.calls > 0 and over.seconds_left <= policy.window  # else the clock was set back
        return Count(policy.quota + 1, over.seconds_left) if is_current else None

    def peek(self, name: str, subject: str) -> RateLimitStatus:
        counters = self._shared if self._policies[name].exact else self._local
        return self._status(name, counters.peek(f"{name}:{subject}"))

    def _status(self, name: str, count: Count) -> RateLimitStatus:
        policy = self._policies[name]
        seconds = min(count.seconds_left, policy.window)  # `peek` does not shorten a window that is too long
        return RateLimitStatus(name, policy, max(0, policy.quota - count.calls), max(1, ceil(seconds)))
