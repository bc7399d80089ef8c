"""Rate limits: the table of policies and the limiter.

A policy counts the requests of one subject (a network, an account) in a window that begins with the first
request. Policies against brute force count exactly across processes, in Redis or else in the database. For
inexpensive reads each process counts for itself, so that reads never write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Protocol

from utils.client_info import Subject
from utils.errors import TooManyRequests
from utils.limits.counters import Count, Counters, LocalCounters


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` requests of one subject in `window` seconds."""

    quota: int
    window: int
    exact: bool = True


# By the caller's network (`ClientInfo.subjects`), unless said otherwise.
POLICIES: Mapping[str, Policy] = {
    "register": Policy(20, 3600),
    "login": Policy(30, 60),
    "login-with-device": Policy(300, 60),  # calls with a device token, known to the account or not
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
    "service-roles": Policy(20, 3600),  # by acting account: roles with a permission of this service
    "account-changes": Policy(60, 3600),
    "refresh": Policy(300, 60),  # calls without a genuine refresh token
    "refresh-session": Policy(30, 300),  # by session, with a genuine one
    "logout": Policy(300, 60),
    "session-changes": Policy(60, 60),
    "reads": Policy(1200, 60, exact=False),
    "token": Policy(600, 60, exact=False),  # by client and network
    "token-failures": Policy(30, 60, exact=False),  # refused calls of clients; secrets have 256 bits
    "userinfo": Policy(1200, 60, exact=False),
    "authorize": Policy(120, 60, exact=False),  # strangers' requests must not write
    "authorizations": Policy(60, 60, exact=False),  # by account; by network for those without one
}


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


Subjects = str | Sequence[Subject]


class Limiter(Protocol):
    """Counts requests against policies and refuses those over the quota."""

    def check(self, name: str, subject: Subjects, *, visible: bool = True) -> RateLimitStatus | None:
        """Count the request. Raises `TooManyRequests`, with the count in its headers if `visible`.

        Of several subjects each is counted against its share of the quota, in order. The first one over it
        refuses, and those after it are not counted.
        """

    def peek(self, name: str, subject: Subjects) -> RateLimitStatus | None:
        """Return the state without counting; None if limits are off."""


class CountCall(Protocol):
    """Counts the call that a flow serves, when the flow knows whose it is.

    Raises `TooManyRequests` after a delay: the flow must not hold a database connection.
    """

    def __call__(self, name: str, subject: Subjects, *, visible: bool = True) -> None: ...


class NoLimits:
    """The limiter if limits are off, as in tests and benchmarks."""

    def check(self, name: str, subject: Subjects, *, visible: bool = True) -> None:  # noqa: ARG002
        return None

    def peek(self, name: str, subject: Subjects) -> None:  # noqa: ARG002
        return None


class CountingLimiter:
    """The limiter if limits are on."""

    def __init__(
        self, shared: Counters, local: LocalCounters, policies: Mapping[str, Policy] = POLICIES
    ) -> None:
        self._shared, self._local, self._policies = shared, local, policies

    def check(self, name: str, subject: Subjects, *, visible: bool = True) -> RateLimitStatus:
        policy, quotas = self._policies[name], self._quotas(name, subject)
        refusal = self._cached_refusal(policy, quotas) if policy.exact else None
        if refusal is None:
            counters = self._shared if policy.exact else self._local
            counts = counters.count(quotas, policy.window)
            status = self._status(name, quotas, counts)
            (key, quota), last = list(quotas.items())[len(counts) - 1], counts[-1]
            if last.calls <= quota:
                return status
            if policy.exact:
                self._local.hit(f"over:{key}", last.seconds_left)
        else:
            status = self._status(name, quotas, [refusal])
        # The count of an account must not be visible to others: it shows the owner's activity.
        shown = status.headers if visible else {}
        raise TooManyRequests(policy=name, headers={"Retry-After": str(status.reset), **shown})

    def _cached_refusal(self, policy: Policy, quotas: Mapping[str, int]) -> Count | None:
        """Return a count over its quota that is known in this process, so that refusals cost no query."""
        for over in self._local.peek([f"over:{key}" for key in quotas]):
            if over.calls > 0 and over.seconds_left <= policy.window:  # else the clock was set back
                return Count(max(quotas.values()) + 1, over.seconds_left)
        return None

    def peek(self, name: str, subject: Subjects) -> RateLimitStatus:
        counters = self._shared if self._policies[name].exact else self._local
        quotas = self._quotas(name, subject)
        return self._status(name, quotas, counters.peek(list(quotas)))

    def _quotas(self, name: str, subject: Subjects) -> dict[str, int]:
        """Return the quota of each key to count."""
        subjects = [Subject(subject)] if isinstance(subject, str) else subject
        return {f"{name}:{key}": self._policies[name].quota * share for key, share in subjects}

    def _status(self, name: str, quotas: Mapping[str, int], counts: Sequence[Count]) -> RateLimitStatus:
        """Return the state of the subject that has the fewest requests left."""
        policy, pairs = self._policies[name], zip(quotas.values(), counts, strict=False)
        left = [(max(0, quota - count.calls), -count.seconds_left) for quota, count in pairs]
        remaining, seconds = min(left)
        seconds = min(-seconds, policy.window)  # `peek` does not shorten a window that is too long
        return RateLimitStatus(name, policy, min(remaining, policy.quota), max(1, ceil(seconds)))
