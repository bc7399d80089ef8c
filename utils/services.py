"""Services: the typed dependencies of the flows.

`app.py` creates them. Tests replace them by argument (`create_app("testing", clock=FixedClock())`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from threading import BoundedSemaphore
from typing import Any, ParamSpec, Protocol
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from config import Settings
from utils.background import BackgroundTask
from utils.clock import Clock
from utils.database.readiness import Readiness
from utils.database.reads import Reads
from utils.errors import ApiError, Forbidden
from utils.languages.catalogue import Languages
from utils.limits.ceilings import Ceilings
from utils.limits.counters import LocalCounters
from utils.limits.rate_limits import Limiter
from utils.limits.refusal_delay import RefusalDelay
from utils.mail.delivery import Delivery
from utils.mail.mailers import Mailer
from utils.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a valid access token. `session_id` is None for tokens of `generate_jwt_token`."""

    user_id: int
    session_id: UUID | None
    issued_at: datetime
    auth_time: float | None = None  # when the session was authenticated, in seconds since 1970
    scope: str | None = None  # restricts the token to the views of this scope; None: all views


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated user of a request."""

    user_id: int
    session_id: UUID | None
    auth_time: datetime | None
    account: Any  # the user's row, as `Admit` read it; opaque to utils
    scope: str | None = None  # restricts the principal to the views of this scope; None: all views
    out_of_scope: type[ApiError] = Forbidden  # the error of all other views
    permissions: frozenset[str] = frozenset()  # those that count in this session; read only where asked for
    withheld: frozenset[str] = frozenset()  # those that would count with a second factor
    roles: tuple[str, ...] = ()  # read only where asked for
    note_use: Callable[[], None] | None = None  # to be called when the answer is decided; of API tokens


class Hasher(Protocol):
    """Password hashing. `hash` and `check` take the same time for the same settings."""

    def hash(self, password: str) -> str: ...

    def check(self, hashed: str, password: str) -> bool: ...

    def is_readable(self, hashed: str) -> bool: ...

    def is_outdated(self, hashed: str) -> bool: ...


class Leaks(Protocol):
    """Looks up leaked passwords."""

    def has(self, password: str, /) -> bool: ...


class Reading(Enum):
    """What is read with the account when a token is admitted."""

    ACCOUNT = auto()
    PERMISSIONS = auto()
    ROLES = auto()  # and permissions


class Admit(Protocol):
    """Returns the principal of these claims, or None if the session ended or the user is disabled."""

    def __call__(
        self, services: "Services", claims: Claims, /, reading: Reading = Reading.ACCOUNT
    ) -> Principal | None: ...


class AdmitApiToken(Protocol):
    """Returns the principal of an API token, with its permissions, or None if it is not valid now."""

    def __call__(self, services: "Services", token: str, /) -> Principal | None: ...


class Listener(Protocol):
    """Is told by `auth` what ended. The provider of OpenID Connect is one.

    It writes in the same transaction, but for `all_revoked`.
    """

    def sessions_ended(
        self, services: "Services", tx: Session, session_ids: Sequence[UUID], now: datetime
    ) -> None:
        """These sessions ended."""

    def account_revoked(self, services: "Services", tx: Session, user_id: int, now: datetime) -> None:
        """Every access to this account ended, also such as no session has."""

    def offline_revoked(self, services: "Services", tx: Session, user_id: int, now: datetime) -> None:
        """The access to this account ended that no session ends."""

    def all_revoked(self, services: "Services") -> None:
        """Every session of every account has ended. Ends every other access, and commits."""


class Fetch(Protocol):
    """Calls servers under names that others choose. `utils.web.fetch.Fetcher` is the real one."""

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        expected: Sequence[int] = (200,),
        max_answer: int = 64 * 1024,
    ) -> bytes:
        """Return the body of an answer with an expected status. Raises `utils.outgoing.CallFailed`."""


class RenderPage(Protocol):
    """Renders a page for a view outside of `pages`."""

    def __call__(self, template: str, key: str, /, **values: Any) -> Any:
        """Return the response with this template, whose texts are below `key`."""


class TokenSigner(Protocol):
    """The keys that sign tokens for clients: asymmetric, published, rotated.

    The first call makes the first keys, in the caller's transaction.
    """

    def sign(self, services: "Services", alg: str, typ: str, claims: Mapping[str, Any]) -> str:
        """Return a JWT of this type (`typ`) by the present key of `alg` (RS256 or ES256).

        It has the claims, and `iss`.
        """

    def read(
        self, services: "Services", token: str, typ: str, *, allow_expired: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the claims of a token of this type that this service signed; None for any other text.

        The caller compares the audience.
        """

    def published(self, services: "Services") -> Sequence[Mapping[str, Any]]:
        """Return the public keys as JWKs (RFC 7517)."""

    def has_clients(self, services: "Services") -> bool:
        """Whether a client is registered; without one, nothing is published.

        Remembered for a minute, and that there is none for a second.
        """

    def forget_clients(self) -> None:
        """Forget what `has_clients` remembers: a client was registered."""


class Upkeep(Protocol):
    """What operations and answers of `auth` take from tables that it does not know: those of the provider."""

    def growing(self, services: "Services") -> Sequence[Any]:
        """Return its tables that only grow (`auth.admin.pruning.Growing`)."""

    def batches(self, services: "Services", caller: Any) -> Sequence[Any]:
        """Return what it does besides at each pruning (`auth.admin.pruning.Batches`)."""

    def rotate_encrypted_secrets(self, services: "Services", tx: Session) -> tuple[int, int]:
        """Encrypt its secrets under the present key; return how many, and how many cannot be decrypted."""

    def findings(self, services: "Services") -> Iterator[Any]:
        """Return its findings (`auth.admin.finding.Finding`)."""

    def forget_person(self, tx: Session, user_id: int) -> None:
        """Remove what tells of the person from rows that stay after the erasure of this account."""

    def sections(self) -> Sequence[Any]:
        """Return its sections of a data export (`auth.accounts.data_export.Section`)."""

    def explain(self, services: "Services", user_id: int) -> Sequence[str]:
        """Return what `explain` says about its part in an account, in sentences."""

    def apps_of_account(self, services: "Services", user_id: int) -> Sequence[Mapping[str, Any]]:
        """Return the applications that have access to an account, as operators see them."""

    def apps_of_sessions(
        self, services: "Services", tx: Session, user_id: int, session_ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[str]]:
        """Return the names of the applications that have access through each of these sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The dependencies of a flow."""

    settings: Settings
    config: Mapping[str, Any]  # app.config: five settings are read from it on each call
    languages: Languages
    clock: Clock
    tx: Callable[[], Session]  # the database session of this request or command
    has_tx: Callable[[], bool]  # whether this request has asked for `tx`: without, there is nothing to commit
    reads: Reads  # single SELECT statements without a transaction
    readiness: Readiness  # of the database
    hasher: Hasher
    leaks: Leaks
    limiter: Limiter
    ceilings: Ceilings
    refusal_delay: RefusalDelay  # of requests that the limiter refuses
    mailer: Mailer
    delivery: Delivery
    pruning: BackgroundTask
    counting: BackgroundTask  # of the accounts that are logged in, for the metrics
    metrics: Metrics
    exports: BoundedSemaphore  # one is held while an export is written and sent
    admit: Admit
    admit_api_token: AdmitApiToken
    describe: Callable[[], dict[str, Any]]  # the OpenAPI document
    listener: Listener
    examine_client: Callable[["Services", str], Sequence[Any]]  # the findings of `doctor --client`
    signer: TokenSigner
    make_signing_key: Callable[[str], Any]  # a new private key of RS256 or ES256
    fetch: Fetch
    notices: BackgroundTask  # the delivery of logouts to clients
    refusal_writes: LocalCounters  # bounds the records of refused calls of clients, also without rate limits
    render_page: RenderPage | None  # None without pages
    upkeep: Upkeep

    def serve(self) -> bool:
        """Start the threads of a serving process; False if one cannot be started now."""
        return all([self.pruning.serve(), self.notices.serve()])


P = ParamSpec("P")


def in_app_context(function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> Callable[[], None]:
    """Return a call of the function in an application context of its own, for after the request."""
    context = current_app.app_context  # of the app itself, not of the request

    def call() -> None:
        with context():
            function(*args, **kwargs)

    return call


def is_first(name: str) -> bool:
    """Whether this is the first call with this name in the current app, as for a line that is logged once."""
    seen: set[str] = current_app.extensions.setdefault("auth_seen", set())
    if name in seen:
        return False
    seen.add(name)
    return True


def services() -> Services:
    """Return the services of the current app. Raises `RuntimeError` outside an application context."""
    found: Services = current_app.extensions["auth_services"]
    return found
