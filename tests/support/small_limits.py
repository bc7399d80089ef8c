"""Rate limits small enough to reach, and calls against them from any address."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from auth.stores.rate_limits import DatabaseCounters
from models import db
from tests.support.service import PASSWORD, at_once
from utils.clock import Clock
from utils.limits.counters import Counters, LocalCounters
from utils.limits.rate_limits import POLICIES, CountingLimiter, Policy

ON = {"RATE_LIMIT_ENABLED": "true"}
WIDE = 10_000


def policies(**quotas: int) -> dict[str, Policy]:
    """Return the policies with these quotas (`login_account` is `login-account`), the others out of reach."""
    given = {name.replace("_", "-"): quota for name, quota in quotas.items()}
    assert given.keys() <= POLICIES.keys()
    return {name: replace(policy, quota=given.get(name, WIDE)) for name, policy in POLICIES.items()}


def limits(clock: Clock, counters: Counters | None = None, **quotas: int) -> CountingLimiter:
    """Return an app's limiter, counting in its database by default."""
    shared = counters or DatabaseCounters(db.session, clock)
    return CountingLimiter(shared, LocalCounters(clock), policies(**quotas))


def wrong_login(
    app: Flask, name: str = "unknown", address: str = "192.0.2.1", **headers: str
) -> TestResponse:
    """Log in with a wrong password over a connection from this address."""
    return app.test_client().post(
        "/auth/login",
        json={"username": name, "password": f"not {PASSWORD}"},
        environ_base={"REMOTE_ADDR": address},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def burst(apps: list[Flask], calls: int) -> Counter[int]:
    """Send this many wrong logins at once, spread over the apps; return the counts of each status."""

    def one(number: int) -> Callable[[], int]:
        return lambda: wrong_login(apps[number % len(apps)], f"unknown{number}").status_code

    return Counter(at_once([one(number) for number in range(calls)]))


def told(answer: TestResponse) -> dict[str, Any]:
    """Return the rate-limit headers of a response."""
    return {name: answer.headers.get(name) for name in ("Retry-After", "RateLimit", "RateLimit-Policy")}
