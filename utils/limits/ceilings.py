"""Ceilings: limits over the whole service on what anonymous callers can cause.

A caller with many networks stays below the limits of each. A ceiling bounds what all of them cause together,
such as mails to unconfirmed addresses. What members do is never counted.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from utils.clock import Clock
from utils.errors import TooManyRequests
from utils.limits.rate_limits import Limiter
from utils.observability.metrics import Metrics

log = logging.getLogger("auth")

Ceiling = Literal["registrations", "unproven-mails"]
WINDOW = 3600  # seconds
_SUBJECT = "service"


class ProofOfWorkChallenge(TypedDict):
    """Puzzles for the caller (`PROOF_OF_WORK`)."""

    kind: Literal["proof_of_work"]
    token: Annotated[str, Field(examples=["AAAAAGmkNkA..."])]
    puzzles: Annotated[int, Field(examples=[8])]
    bits: Annotated[int, Field(description="Zero bits of each solution.", examples=[15])]


class ExternalChallengeAsked(TypedDict):
    """A challenge of another provider (`CHALLENGE_URL`)."""

    kind: Literal["external"]
    action: Annotated[str, Field(description="The route.", examples=["register"])]


class ChallengeMembers(TypedDict):
    """What to solve; the response is the field `challenge_response` of the same call."""

    challenge: ProofOfWorkChallenge | ExternalChallengeAsked


class ChallengeRequired(TooManyRequests):
    """A ceiling of the whole service is reached. The response has the challenge that passes it."""

    code, message = "challenge_required", "Too many requests. Solve the challenge, or try again later."
    members = ChallengeMembers

    def __init__(self, *, policy: str, retry_after: str, challenge: dict[str, Any]) -> None:
        super().__init__(policy=policy, headers={"Retry-After": retry_after})
        self.extra = {"challenge": challenge}


class Outcome(StrEnum):
    """What became of a response."""

    PASSED = "passed"
    FAILED = "failed"
    USED = "used"  # it passed before
    UNAVAILABLE = "unavailable"  # the server did not answer in time


class Challenge(Protocol):
    """A kind of challenge."""

    @property
    def kind(self) -> str:
        """The name of the kind, for clients and metrics."""

    def issue(self, route: str) -> dict[str, Any]:
        """Return what the client needs to solve a challenge for this route, with its `kind`."""

    def check(self, route: str, response: str, address: str | None) -> Outcome:
        """Check a response and use it up. Raises errors of the database only."""


class Ceilings:
    """Counts calls against the ceilings that are set."""

    def __init__(
        self,
        limiter: Limiter,
        names: Sequence[str],
        challenge: Challenge | None,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        """`limiter` has a policy for each of the `names`."""
        self._limiter, self._names, self._challenge = limiter, names, challenge
        self._metrics, self._clock = metrics, clock
        self._logged_until: dict[str, datetime] = {}

    def check(self, *names: Ceiling, route: str, response: str | None, address: str | None) -> None:
        """Count the call against these ceilings, or pass them by the response to a challenge.

        Raises `ChallengeRequired`, or `TooManyRequests` if there is no challenge. It counts in a transaction
        of its own, so the caller must not have written yet.
        """
        refusal = self._refusal(names)
        if refusal is None:
            return
        if self._challenge is None:
            self._count(refusal, "refused")
            raise refusal
        if response is not None:
            outcome = self._challenge.check(route, response, address)
            self._metrics.challenges.labels(self._challenge.kind, outcome).inc()
            if outcome is Outcome.PASSED:
                self._count(refusal, "passed")
                return
        self._count(refusal, "challenged")
        raise ChallengeRequired(
            policy=refusal.policy,
            retry_after=refusal.headers["Retry-After"],
            challenge=self._challenge.issue(route),
        )

    def allow(self, name: Ceiling) -> bool:
        """Count work in the background against a ceiling; return whether it may be done now."""
        refusal = self._refusal([name])
        if refusal:
            self._count(refusal, "postponed")
        return refusal is None

    def _refusal(self, names: Sequence[str]) -> TooManyRequests | None:
        """Count against each of these ceilings; return the refusal of the first that is reached."""
        mine = [name for name in names if name in self._names]
        # A refusal by one ceiling must not consume the quota of another.
        for name in mine if len(mine) > 1 else []:
            standing = self._limiter.peek(name, _SUBJECT)
            if standing and standing.remaining == 0:
                return TooManyRequests(policy=name, headers={"Retry-After": str(standing.reset)})
        try:
            for name in mine:
                self._limiter.check(name, _SUBJECT, visible=False)
        except TooManyRequests as refusal:
            return refusal
        return None

    def _count(self, refusal: TooManyRequests, outcome: str) -> None:
        """Count a call beyond a ceiling. The first of a window is logged."""
        name, now = refusal.policy, self._clock.now()
        self._metrics.ceilings_reached.labels(name, outcome).inc()
        # A later end than now + a window was set before the clock was set back.
        if not now < self._logged_until.get(name, now) <= now + timedelta(seconds=WINDOW):
            self._logged_until[name] = now + timedelta(seconds=int(refusal.headers["Retry-After"]))
            log.warning("ceiling reached", extra={"policy": name})
