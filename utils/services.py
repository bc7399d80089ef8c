"""Services: the outside things the flows work with, typed, and the one door to them.

`app.py` chooses every one of them; a test replaces any by argument
(`create_app("testing", clock=FixedClock())`) and never patches a name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from config import Settings
from utils.clock import Clock
from utils.database.engine import Reads
from utils.errors import ApiError, Forbidden
from utils.limits.rate_limits import Limiter
from utils.limits.refusal_delay import RefusalDelay
from utils.mail.delivery import Delivery
from utils.mail.mailers import Mailer
from utils.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine access token says. `session_id` is None for tokens of `generate_jwt_token`."""

    user_id: int
    session_id: UUID | None
    issued_at: datetime
    scope: str | None = None  # the only views it admits to; None: all


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a guarded view, admitted by the database a moment ago."""

    user_id: int
    session_id: UUID | None
    auth_time: datetime | None
    account: Any  # the user as the admitting statement read it; opaque to utils
    scope: str | None = None  # the only views that are open to the caller; None: all
    out_of_scope: type[ApiError] = Forbidden  # what the other views answer with


class Hasher(Protocol):
    """Password hashing; both calls cost the same for the same settings."""

    def hash(self, password: str) -> str: ...

    def check(self, hashed: str, password: str) -> bool: ...

    def is_readable(self, hashed: str) -> bool: ...

    def is_outdated(self, hashed: str) -> bool: ...


class Leaks(Protocol):
    """A collection of leaked passwords."""

    def has(self, password: str, /) -> bool: ...


class Admit(Protocol):
    """Whether the database still admits the bearer of these claims; None if it does not."""

    def __call__(self, services: "Services", claims: Claims, /) -> Principal | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a flow may use besides its arguments."""

    settings: Settings
    config: Mapping[str, Any]  # app.config: the five specified settings are read from it at call time
    clock: Clock
    tx: Callable[[], Session]  # the database session of this request or command
    reads: Reads  # for what asks one thing and writes nothing
    hasher: Hasher
    leaks: Leaks
    limiter: Limiter
    refusal_delay: RefusalDelay  # for those whom the limiter refuses
    mailer: Mailer
    delivery: Delivery
    metrics: Metrics
    admit: Admit
    describe: Callable[[], dict[str, Any]]  # the OpenAPI document


def services() -> Services:
    """The services of the current app. Raises `RuntimeError` outside an application context."""
    found: Services = current_app.extensions["auth_services"]
    return found
