"""Prometheus metrics, summed over all worker processes. No label identifies a user."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from utils.errors import TooManyRequests
from utils.request_record import RequestRecord

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@contextmanager
def shared_between_workers() -> Iterator[None]:
    """Create the folder that the workers of this server share. Enter it before creating an app."""
    with tempfile.TemporaryDirectory(prefix="auth-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        yield


class Metrics:
    """The metrics and their exposition."""

    def __init__(self) -> None:
        # Imported here: the library selects its multiprocess mode at import.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram  # noqa: PLC0415

        self.registry = own = CollectorRegistry()
        self.requests = Histogram(
            "auth_request_seconds",
            "Time to answer, by route and status.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=own,
        )
        self.logins = Counter("auth_sign_ins", "Sign-ins by outcome.", ["outcome"], registry=own)
        self.second_factors = Counter(
            "auth_second_factors_refused", "Second factors refused, by reason.", ["reason"], registry=own
        )
        self.sessions_started = Counter("auth_sessions_started", "Sessions started.", registry=own)
        self.sessions_ended = Counter("auth_sessions_ended", "Sessions ended.", ["reason"], registry=own)
        self.mails = Counter("auth_mails", "Tries to deliver a mail, by outcome.", ["outcome"], registry=own)
        self.notices = Counter(
            "auth_notices", "Tries to tell a client of a logout, by outcome.", ["outcome"], registry=own
        )
        self.limits_hit = Counter(
            "auth_limits_hit", "Calls refused by a rate limit.", ["policy"], registry=own
        )
        self.ceilings_reached = Counter(
            "auth_ceilings_reached",
            "Calls beyond a ceiling of the whole service, by outcome.",
            ["ceiling", "outcome"],
            registry=own,
        )
        self.challenges = Counter(
            "auth_challenges", "Responses to challenges, by outcome.", ["kind", "outcome"], registry=own
        )
        self.leak_checks = Counter(
            "auth_leak_checks", "Passwords asked of a collection of leaked ones.", ["outcome"], registry=own
        )
        self.hashes_refused = Counter(
            "auth_hashes_refused", "Calls refused because too many wait for a password hash.", registry=own
        )
        self.hashes_waiting = Gauge(
            "auth_hashes_waiting",
            "Calls that wait for a password hash.",
            multiprocess_mode="livesum",
            registry=own,
        )

        self.accounts = Gauge(
            "auth_accounts",
            "Accounts by state, as counted a minute ago at most.",
            ["state"],
            multiprocess_mode="livemostrecent",
            registry=own,
        )
        self.client_tokens = Counter(
            "auth_client_tokens",
            "Calls of clients for tokens, by outcome.",
            ["grant", "outcome"],
            registry=own,
        )
        self.client_refusals = Counter(
            "auth_client_refusals", "Refused calls of clients, by reason.", ["reason"], registry=own
        )

        self._children: dict[tuple[str, str | None, int], Any] = {}
        self._labelled: dict[tuple[Any, ...], Any] = {}

    def count_request(self, method: str, record: RequestRecord, seconds: float) -> None:
        """Count a request and its duration. Unmatched paths share one label, since clients choose them.

        `method` is one of a fixed set. The children of the histogram are kept: to look one up by its labels
        takes longer than to count.
        """
        key = (method, record.route, record.status)
        child = self._children.get(key)
        if child is None:
            labels = (method, record.route, record.status) if record.route else ("any", "unmatched", key[2])
            child = self._children[key] = self.requests.labels(*map(str, labels))
        child.observe(seconds)
        if isinstance(record.error, TooManyRequests):
            self.limits_hit.labels(record.error.policy).inc()

    def count_client_tokens(self, grant: str | None, outcome: str) -> None:
        """Count a call of a client for tokens."""
        self._kept_child(self.client_tokens, str(grant), outcome).inc()

    def count_client_refusal(self, reason: str) -> None:
        """Count a refused call of a client."""
        self._kept_child(self.client_refusals, reason).inc()

    def _kept_child(self, metric: Any, *labels: str) -> Any:
        """Return the child of a metric with these labels, of a fixed set each. As in `count_request`."""
        key = (metric, *labels)
        child = self._labelled.get(key)
        if child is None:
            child = self._labelled[key] = metric.labels(*labels)
        return child

    def count_ended_sessions(self, reason: str, number: int = 1) -> None:
        """Count sessions that ended, by reason."""
        self.sessions_ended.labels(reason).inc(number)

    def exposition(self) -> bytes:
        """Return the metrics of all workers in Prometheus's text format."""
        from prometheus_client import generate_latest  # noqa: PLC0415

        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self.registry)
        _remove_dead_workers()
        return generate_latest(_AllWorkers(Path(os.environ[FOLDER_VARIABLE])))


class _AllWorkers:
    """The metrics of all workers, from their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Any]:
        """Return the metrics. The library cannot read the empty file of a worker that is starting."""
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        files = [str(file) for file in self._folder.glob("*.db") if _is_begun(file)]
        found: Iterable[Any] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return found


def _is_begun(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # removed by another worker
        return False


def _remove_dead_workers() -> None:
    """Remove the gauges of workers that were killed; their counters stay."""
    for file in Path(os.environ[FOLDER_VARIABLE]).glob("gauge_live*_*.db"):
        if not _is_alive(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only checks
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
