"""PostgreSQL connections that stop waiting for a server that does not answer."""

from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_attempts
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event

from utils.database.deadlines import CONNECT_TIMEOUT, STATEMENT_TIMEOUT, in_maintenance

LAST_ATTEMPT = CONNECT_TIMEOUT + 0.5  # seconds after which no further host is tried

T = TypeVar("T")
Host = tuple[Any, ...]


class NoAnswer(psycopg.OperationalError, TimeoutError):
    """The server did not answer in time. It is unknown whether the statement was executed."""


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that is closed if the result of a statement takes longer than `answer_timeout` seconds."""

    answer_timeout: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server. Raises `NoAnswer` at the deadline."""
        if timeout is None and not in_maintenance():
            timeout = self.answer_timeout
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()  # a late result must not be taken for that of the next statement
            raise NoAnswer("the server did not answer in time") from None


class Connector:
    """Connects to the first of several hosts that accepts; hosts that hung are tried last.

    So an unreachable host delays one connection, not each.
    """

    def __init__(self, server_options: str) -> None:
        self._server_options = server_options
        self._hung: dict[Host, float] = {}
        self._lock = Lock()  # of `_hung`: threads connect at the same time

    def connect(self, parameters: dict[str, Any], answer_timeout: float) -> DeadlineConnection:
        """Return a connection to `parameters` of libpq. Raises `psycopg.OperationalError`.

        Takes 6.5 seconds at most after name resolution.
        """
        given = {name: value for name, value in parameters.items() if name != "context"}
        given["options"] = f"{self._server_options} {given.get('options', '')}".rstrip()
        began, problem = monotonic(), psycopg.OperationalError("no host was tried")
        for attempt in self.ordered(conninfo_attempts(given)):
            if monotonic() - began >= LAST_ATTEMPT:
                break
            attempt["connect_timeout"] = CONNECT_TIMEOUT
            try:
                made = DeadlineConnection.connect(**attempt, context=parameters.get("context"))
            except psycopg.errors.ConnectionTimeout as timeout:
                problem = timeout
                with self._lock:
                    self._hung[_host(attempt)] = monotonic()
            except psycopg.OperationalError as failure:
                problem = failure
            else:
                with self._lock:
                    self._hung.pop(_host(attempt), None)
                made.answer_timeout = answer_timeout
                return made
        raise problem

    def ordered(self, attempts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the attempts in the given order, those that hung at the end, the last one that hung last."""
        given = list(attempts)
        known = {_host(attempt) for attempt in given}
        with self._lock:
            self._hung = hung = {host: at for host, at in self._hung.items() if host in known}
            return sorted(given, key=lambda attempt: hung.get(_host(attempt), 0.0))


def _host(attempt: dict[str, Any]) -> Host:
    return tuple(attempt.get(name) for name in ("host", "hostaddr", "port"))


def set_deadlines(engine: Engine, answer_timeout: float) -> None:
    """Give new connections of a PostgreSQL engine deadlines; `answer_timeout` is in seconds."""
    connector = Connector(f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={STATEMENT_TIMEOUT}s")

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> Any:
        return connector.connect(parameters, answer_timeout)

    @event.listens_for(engine, "begin")
    def lift_timeouts(connection: Connection) -> None:
        if in_maintenance():
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
