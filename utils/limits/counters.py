"""Counters of rate limits: in this process, in Redis, or in Redis with a fallback.

`auth/stores/rate_limits.py` counts in the database.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple, Protocol

from utils.clock import Clock

log = logging.getLogger("auth")

REDIS_TIMEOUT = 0.2  # seconds; a slower Redis counts as unavailable
REDIS_PAUSE = timedelta(seconds=5)  # pause between attempts after a failure
MAX_LOCAL_KEYS = 50_000  # per process; the least recently used ones are evicted


class Count(NamedTuple):
    """The number of requests in the current window, including this one, and the seconds until it ends."""

    calls: int
    seconds_left: float


NO_CALLS = Count(0, 0.0)


class Counters(Protocol):
    """A storage of counts."""

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        """Count a request under each key in order, up to the first that is over its quota.

        Returns the counts, the last one over its quota or one for each key. The keys after a refusal are not
        counted, so that one refused subscriber does not use up the quota of a network. Takes one round trip.
        A new window has `window` seconds.
        """

    def peek(self, keys: Sequence[str]) -> list[Count]:
        """Return the counts of these keys without counting."""


class LocalCounters:
    """Counts of this process, in bounded memory."""

    def __init__(self, clock: Clock, max_keys: int = MAX_LOCAL_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._lock = Lock()
        self._windows: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        counts = []
        for key, quota in quotas.items():
            counts.append(self.hit(key, window))
            if counts[-1].calls > quota:
                break
        return counts

    def hit(self, key: str, window: float) -> Count:
        """Count a request under one key."""
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

    def peek(self, keys: Sequence[str]) -> list[Count]:
        now = self._clock.now()
        with self._lock:
            windows = [self._windows.get(key, (0, now)) for key in keys]
        return [
            Count(calls, (ends - now).total_seconds()) if ends > now else NO_CALLS for calls, ends in windows
        ]


# A script, since the commands of a transaction cannot depend on the count of an earlier one.
_COUNT = """
local counts = {}
for i, key in ipairs(KEYS) do
  local calls = redis.call("INCR", key)
  redis.call("EXPIRE", key, ARGV[1], "NX")
  counts[i] = {calls, redis.call("PTTL", key)}
  if calls > tonumber(ARGV[i + 1]) then break end
end
return counts
"""


class RedisCounters:
    """Counts in Redis, shared by all processes and machines."""

    def __init__(self, url: str) -> None:
        import redis  # noqa: PLC0415  (imports in 0.3 s)

        self._redis = redis.Redis.from_url(
            url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )
        self._count = self._redis.register_script(_COUNT)  # does not connect

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        counts = self._count(keys=_redis_keys(quotas), args=[window, *quotas.values()])
        return [Count(calls, milliseconds / 1000) for calls, milliseconds in counts]

    def peek(self, keys: Sequence[str]) -> list[Count]:
        with self._redis.pipeline(transaction=True) as pipe:
            for key in _redis_keys(keys):
                pipe.get(key)
                pipe.pttl(key)
            values = pipe.execute()
        pairs = zip(values[::2], values[1::2], strict=True)
        return [Count(int(calls), left / 1000) if calls else NO_CALLS for calls, left in pairs]

    def check(self) -> None:
        """Raise an exception of the library if Redis does not answer."""
        self._redis.ping()


def _redis_keys(keys: Iterable[str]) -> list[str]:
    return [f"auth:limit:{key}" for key in keys]


class FallbackCounters:
    """Counts in Redis, or in this process while Redis is unavailable. Never raises."""

    def __init__(self, shared: Counters, local: Counters, clock: Clock) -> None:
        self._shared, self._local, self._clock = shared, local, clock
        self._retry_at: datetime | None = None

    def count(self, quotas: Mapping[str, int], window: int) -> list[Count]:
        return self._call(lambda counters: counters.count(quotas, window))

    def peek(self, keys: Sequence[str]) -> list[Count]:
        return self._call(lambda counters: counters.peek(keys))

    def _call(self, operation: Callable[[Counters], list[Count]]) -> list[Count]:
        now, retry_at = self._clock.now(), self._retry_at  # read once: other threads write it
        # A later `retry_at` than now + pause was set before the clock was set back.
        if retry_at is None or not now < retry_at <= now + REDIS_PAUSE:
            try:
                counts = operation(self._shared)
            # Any exception: if the server is not Redis, the library raises TypeError and others.
            except Exception as problem:  # noqa: BLE001
                self._retry_at = now + REDIS_PAUSE
                log.warning("redis unavailable", extra={"error": type(problem).__name__})
            else:
                self._retry_at = None
                return counts
        return operation(self._local)
