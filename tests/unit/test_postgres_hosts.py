"""Several PostgreSQL hosts: the setting, and their order. One that hung is tried last; waits end in time."""

from typing import Any

import psycopg
import pytest

from tests.support.production import faults, load
from utils.database import deadlines, postgres
from utils.database.engine import POOL_TIMEOUT
from utils.database.postgres import LAST_ATTEMPT, Connector

PARAMETERS = {"host": "192.0.2.1,192.0.2.2,192.0.2.3", "port": "5432,5433,5434", "dbname": "auth"}


class Hosts:
    """Replaces the attempts of psycopg: what each host does, the time that passes, and who was tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[str] = []
        self.parameters: list[dict[str, Any]] = []
        self.now = 100.0
        self.does: dict[str, str] = {}
        monkeypatch.setattr(postgres.DeadlineConnection, "connect", self._connect)
        monkeypatch.setattr(postgres, "monotonic", lambda: self.now)

    def _connect(self, **parameters: Any) -> Any:
        self.tried.append(str(parameters["host"])[-1])
        self.parameters.append(parameters)
        does = self.does.get(self.tried[-1], "accepts")
        if does == "hangs":
            self.now += parameters["connect_timeout"]
            raise psycopg.errors.ConnectionTimeout(f"no answer of {self.tried[-1]}")
        if does == "refuses":
            raise psycopg.OperationalError(f"refused by {self.tried[-1]}")
        return type("Connection", (), {})()


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return Hosts(monkeypatch)


def connect(connector: Connector) -> Any:
    return connector.connect(dict(PARAMETERS), 6)


def test_hosts_are_tried_in_the_order_of_the_url(hosts: Hosts) -> None:
    hosts.does = {"1": "refuses", "2": "refuses"}
    assert connect(Connector("-c x=1")).answer_timeout == 6
    assert connect(Connector("-c x=1")).answer_timeout == 6
    assert hosts.tried == [*"123", *"123"]
    assert hosts.parameters[0]["options"] == "-c x=1"
    assert hosts.parameters[0]["port"] == "5432"


def test_host_that_hung_is_tried_last_until_it_accepts(hosts: Hosts) -> None:
    connector = Connector("")
    hosts.does = {"1": "hangs"}
    connect(connector)
    connect(connector)
    assert hosts.tried == [*"12", *"2"]
    hosts.tried.clear()
    hosts.does = {"2": "refuses", "3": "refuses"}
    connect(connector)
    hosts.does = {}
    connect(connector)
    assert hosts.tried == [*"231", *"1"]


def test_every_host_is_reached_although_others_hang(hosts: Hosts) -> None:
    connector = Connector("")
    hosts.does = {"1": "hangs", "2": "hangs"}
    with pytest.raises(psycopg.OperationalError, match="no answer of 2"):
        connect(connector)
    assert hosts.now <= 100 + 6.5
    assert connect(connector)
    assert hosts.tried == [*"12", *"3"]


def test_error_of_the_last_host_is_raised(hosts: Hosts) -> None:
    hosts.does = dict.fromkeys("123", "refuses")
    with pytest.raises(psycopg.OperationalError, match="refused by 3"):
        connect(Connector(""))


def test_client_waits_longer_than_the_server_and_less_than_ten_seconds() -> None:
    assert deadlines.STATEMENT_TIMEOUT < deadlines.ANSWER_TIMEOUT
    longest = max(deadlines.ANSWER_TIMEOUT, LAST_ATTEMPT + deadlines.CONNECT_TIMEOUT)
    assert POOL_TIMEOUT + longest < 10


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://u:canary@h1,h2/auth",
        "postgresql://u:canary@h1:5432,h2:5433/auth",
        "postgresql://u:canary@/auth?host=h1,h2&target_session_attrs=read-write",
        "postgresql://u:canary@/auth?host=h1:5432,h2:5433",
    ],
)
def test_comma_list_of_database_hosts_is_refused_with_the_right_form(uri: str) -> None:
    (fault,) = faults(DATABASE_URI=uri)
    assert "host=h1:5432&host=h2:5432&target_session_attrs=read-write" in fault
    assert "canary" not in fault


def test_several_database_hosts_are_accepted() -> None:
    for uri in (
        "postgresql://u:p,w@/auth?host=h1:5432&host=h2:5433&target_session_attrs=read-write",
        "postgresql://u:p@/auth?host=/run/one&host=/run/two&target_session_attrs=primary",
        "postgresql://u:p,w@h1:5432/auth",
    ):
        assert load(DATABASE_URI=uri).database_uri == uri.replace("postgresql:", "postgresql+psycopg:")


@pytest.mark.parametrize("more", ["", "&target_session_attrs=any"])
def test_several_database_hosts_need_a_session_that_can_write(more: str) -> None:
    (fault,) = faults(DATABASE_URI=f"postgresql://u:canary@/auth?host=h1:5432&host=h2:5432{more}")
    assert fault == "DATABASE_URI names several hosts: add target_session_attrs=read-write."
