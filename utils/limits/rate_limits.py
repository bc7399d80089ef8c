"""Rate limits: the policies, in one table, and the counters that hold them.

A policy counts calls of one subject (a network, an account) in a window that begins with
the first call. Where guessing is possible the count is exact across processes: in Redis,
else in the database. Cheap reads are counted by each process for itself, so that reading
never writes.
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

REDIS_TIMEOUT = 0.2  # seconds; a slower Redis is treated as gone
REDIS_PAUSE = timedelta(seconds=5)  # how long it is left alone after a failure
MAX_LOCAL_KEYS = 50_000  # of each process; the ones that were idle longest are forgotten


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` calls of one subject in `window` seconds."""

    quota: int
    window: int
    exact: bool = True


POLICIES: Mapping[str, Policy] = {
    "register": Policy(20, 3600),
    "login": Policy(30, 60),
    "passkey-options": Policy(120, 60),  # a page for logging in asks for one whenever it is opened
    "login-day": Policy(1000, 86_400),
    "login-pair": Policy(60, 86_400),
    "login-account": Policy(20, 900),
    "login-device": Policy(20, 900),
    "proof": Policy(30, 60),
    "proof-account": Policy(20, 900),
    "mailed": Policy(20, 3600),
    "links": Policy(60, 60),
    "strength": Policy(20, 10, exact=False),
    "account-changes": Policy(60, 3600),
    "refresh": Policy(300, 60),
    "logout": Policy(300, 60),
    "session-changes": Policy(60, 60),
    "reads": Policy(1200, 60, exact=False),
}


class Count(NamedTuple):
    """Calls so far in the present window, this one included, and the seconds until it ends."""

    calls: int
    seconds_left: float


NO_CALLS = Count(0, 0.0)


class Counters(Protocol):
    """Where calls are counted."""

    def hit(self, key: str, window: int) -> Count:
        """Count a call, in a window of so many seconds that begins with the first one."""

    def peek(self, key: str) -> Count:
        """The same without counting."""


class LocalCounters:
    """Counts in this process alone, in bounded memory."""

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
            ends = min(ends, now + timedelta(seconds=window))  # should the clock have been set back
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
    """Counts in Redis, for all processes and machines that share it."""

    def __init__(self, url: str) -> None:
        import redis  # noqa: PLC0415  (0.3 s of import that only its users pay)

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
        """See whether Redis answers. Raises whatever the library makes of it if not."""
        self._redis.ping()


class WithFallback:
    """Redis while it answers, else this process's own counters: less exact, never open, never an error."""

    def __init__(self, shared: Counters, local: Counters, clock: Clock) -> None:
        self._shared, self._local, self._clock = shared, local, clock
        self._retry_at: datetime | None = None

    def hit(self, key: str, window: int) -> Count:
        return self._asked(lambda counters: counters.hit(key, window))

    def peek(self, key: str) -> Count:
        return self._asked(lambda counters: counters.peek(key))

    def _asked(self, question: Callable[[Counters], Count]) -> Count:
        now, retry_at = self._clock.now(), self._retry_at  # read once: other threads write it
        # Further off than the pause is long, it was set before the clock was set back.
        if retry_at is None or not now < retry_at <= now + REDIS_PAUSE:
            try:
                count = question(self._shared)
            # Anything: from what is no Redis at all, the library raises TypeError and the like.
            except Exception as problem:  # noqa: BLE001
                self._retry_at = now + REDIS_PAUSE
                log.warning("redis unavailable", extra={"error": type(problem).__name__})
            else:
                self._retry_at = None
                return count
        return question(self._local)


class Verdict(NamedTuple):
    """What a caller may know of a policy (draft-ietf-httpapi-ratelimit-headers, 2025-09)."""

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
    """Counts a call against a policy and refuses the one too many."""

    def check(self, name: str, subject: str, *, visible: bool = True) -> Verdict | None:
        """Count the call. Raises `TooManyRequests`; says nothing of counts that are not `visible`."""

    def peek(self, name: str, subject: str) -> Verdict | None:
        """How things stand, without counting; None where limits are off."""


class NoLimits:
    """The limiter where limits are off: in tests, and in benchmarks."""

    def check(self, name: str, subject: str, *, visible: bool = True) -> None:  # noqa: ARG002
        return None

    def peek(self, name: str, subject: str) -> None:  # noqa: ARG002
        return None


class CountingLimiter:
    """The limiter of a running service."""

    def __init__(
        self, shared: Counters, local: LocalCounters, policies: Mapping[str, Policy] = POLICIES
    ) -> None:
        self._shared, self._local, self._policies = shared, local, policies

    def check(self, name: str, subject: str, *, visible: bool = True) -> Verdict:
        policy, key = self._policies[name], f"{name}:{subject}"
        counters = self._shared if policy.exact else self._local
        known = self._known_refusal(policy, key)
        count = known or counters.hit(key, policy.window)
        verdict = self._verdict(name, count)
        if count.calls > policy.quota:
            if policy.exact and not known:
                self._local.hit(f"over:{key}", count.seconds_left)
            # A count over somebody else's account would tell a stranger what its owner does.
            shown = verdict.headers if visible else {}
            raise TooManyRequests(policy=name, headers={"Retry-After": str(verdict.reset), **shown})
        return verdict

    def _known_refusal(self, policy: Policy, key: str) -> Count | None:
        """Over the quota is over it until the window ends: to refuse again and again, nobody is asked."""
        over = self._local.peek(f"over:{key}") if policy.exact else NO_CALLS
        is_one = over.calls > 0 and over.seconds_left <= policy.window  # else the clock was set back
        return Count(policy.quota + 1, over.seconds_left) if is_one else None

    def peek(self, name: str, subject: str) -> Verdict:
        counters = self._shared if self._policies[name].exact else self._local
        return self._verdict(name, counters.peek(f"{name}:{subject}"))

    def _verdict(self, name: str, count: Count) -> Verdict:
        policy = self._policies[name]
        seconds = min(count.seconds_left, policy.window)  # a look changes no window that is too long
        return Verdict(name, policy, max(0, policy.quota - count.calls), max(1, ceil(seconds)))
