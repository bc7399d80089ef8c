"""Faults of others in fetching addresses that somebody else chose: 38, 39 and 42 of the provider's list."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.scripted_server import ScriptedServer
from tests.support.server import until
from tests.unit.test_public_addresses import LOOPBACK, NEVER, PRIVATE
from utils.web.fetch import MAX_LOOKUPS, Fetcher, FetchFailed, Kind
from utils.web.public_addresses import Reachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HERE = Reachable(loopback=True)


class Names:
    """A scripted name server: each lookup of a name takes its next answer, and the last one again."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        left = self.answers.get(host)
        if left is None:
            raise socket.gaierror
        given = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in given]


class NoConnection:
    """Records the addresses that a fetcher would connect to."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def __call__(self, addresses: Sequence[tuple[str, int]], _deadline: float) -> socket.socket:
        self.tried += [address for address, _ in addresses]
        raise ConnectionRefusedError


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer(lambda _: OK)
    yield made
    made.close()


def kind(fetcher: Fetcher, url: str, **more: Any) -> Kind:
    with pytest.raises(FetchFailed) as caught:
        fetcher.ask("GET", url, **more)
    assert str(caught.value) == caught.value.kind.value  # nothing else is told
    return caught.value.kind


@pytest.mark.parametrize("address", NEVER + LOOPBACK + PRIVATE)
def test_fault_38_name_that_leads_inside_is_refused_before_any_connection(address: str) -> None:
    connect = NoConnection()
    fetcher = Fetcher(Reachable(), resolve=Names(app_example=[[address]]), connect=connect)
    assert kind(fetcher, "https://app.example/cb") == Kind.REFUSED
    assert connect.tried == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_literal_address_inside_is_refused_by_the_resolver_of_the_system(url: str) -> None:
    connect = NoConnection()
    assert kind(Fetcher(Reachable(), connect=connect), url) in {Kind.REFUSED, Kind.NAME}
    assert connect.tried == []


def test_name_that_is_rebound_after_the_check_is_looked_up_once() -> None:
    names, connect = Names(app_example=[["93.184.216.34"], ["127.0.0.1"]]), NoConnection()
    fetcher = Fetcher(Reachable(), resolve=names, connect=connect)
    assert kind(fetcher, "https://app.example/cb") == Kind.CONNECTION
    assert names.asked == ["app.example"]
    assert connect.tried == ["93.184.216.34"]


def test_of_several_addresses_only_public_ones_are_tried() -> None:
    connect = NoConnection()
    names = Names(app_example=[["10.0.0.1", "93.184.216.34", "::1"]])
    assert (
        kind(Fetcher(Reachable(), resolve=names, connect=connect), "https://app.example/") == Kind.CONNECTION
    )
    assert connect.tried == ["93.184.216.34"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["http://169.254.169.254/", "/elsewhere", "//127.0.0.1/"])
def test_fault_39_redirect_is_not_followed(server: ScriptedServer, status: int, to: str) -> None:
    server.script = lambda _: (
        f"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert kind(Fetcher(HERE), f"http://localhost:{server.port}/cb") == Kind.STATUS
    assert len(server.requests) == 1


def test_plain_http_does_not_leave_the_private_networks() -> None:
    names, connect = Names(app_example=[["93.184.216.34"]]), NoConnection()
    assert kind(Fetcher(HERE, resolve=names, connect=connect), "http://app.example/") == Kind.URL
    private = Fetcher(
        Reachable.of(["10.1.0.0/16"], loopback=False),
        resolve=Names(app_example=[["10.1.0.7"]]),
        connect=connect,
    )
    assert kind(private, "http://app.example/") == Kind.CONNECTION
    assert connect.tried == ["10.1.0.7"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example",
        "//app.example/",
        "ftp://app.example/",
        "file:///etc/passwd",
        "gopher://app.example/",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@app.example/",
        "https://app.example@127.0.0.1/",
        "https://app.example/#part",
        "https://app.example\\@127.0.0.1/",
        "https://app.example/a b",
        "https://app.example/\r\nHost: inside",
        "https://app.example:0/",
        "https://app.example:99999/",
        "https://app.example:x/",
        "https://[::1/",
        "https://\u2488\u2488.example/",
        "https://app_example%2f.example/",
        "https://app.example/" + "x" * 2048,
    ],
)
def test_address_that_is_no_clean_url_is_refused(url: str) -> None:
    connect = NoConnection()
    names = Names(app_example=[["93.184.216.34"]])
    assert kind(Fetcher(HERE, resolve=names, connect=connect), url) == Kind.URL
    assert (names.asked, connect.tried) == ([], [])


def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Fetcher(HERE).ask("GET", f"http://localhost:{server.port}/cb?x=1") == b"ok"
    first = server.requests[0].split(b"\r\n")
    assert first[0] == b"GET /cb?x=1 HTTP/1.1"
    assert f"Host: localhost:{server.port}".encode() in first


def test_certificate_must_be_for_the_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.path))
    made = ScriptedServer(lambda _: OK, authority.context("app.example"))
    names = Names(app_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    fetcher = Fetcher(HERE, resolve=names, tls=trusting)
    assert fetcher.ask("GET", f"https://app.example:{made.port}/") == b"ok"
    assert kind(fetcher, f"https://other.example:{made.port}/") == Kind.CERTIFICATE
    assert kind(Fetcher(HERE, resolve=names), f"https://app.example:{made.port}/") == Kind.CERTIFICATE
    assert len(made.requests) == 1
    made.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", Kind.CONNECTION),
        (b"nonsense\r\n\r\n", Kind.ANSWER),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", Kind.STATUS),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100, Kind.ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", Kind.TIMEOUT),
    ],
)
def test_failure_has_a_kind_and_no_text_of_the_server(
    server: ScriptedServer, answer: bytes, expected: Kind
) -> None:
    server.script = lambda _: answer
    fetcher = Fetcher(HERE, deadline=1.0)
    found = kind(fetcher, f"http://localhost:{server.port}/", max_answer=50)
    assert found == expected or (expected == Kind.TIMEOUT and found in {Kind.ANSWER, Kind.CONNECTION})


def test_unknown_host_name_is_a_failure_of_kind_name() -> None:
    assert kind(Fetcher(HERE, resolve=Names()), "https://nowhere.example/") == Kind.NAME


def test_name_server_that_does_not_answer_takes_neither_time_nor_threads_without_bound() -> None:
    answers = threading.Event()

    def never(*_: Any, **__: Any) -> list[Any]:
        answers.wait()
        return []

    fetcher = Fetcher(HERE, resolve=never, deadline=0.05)
    for _ in range(MAX_LOOKUPS):
        assert kind(fetcher, "https://app.example/") == Kind.TIMEOUT
    assert kind(fetcher, "https://app.example/") == Kind.BUSY
    answers.set()
    until(lambda: not [each for each in threading.enumerate() if each.name == "name-lookup"], "lookups end")
    assert kind(fetcher, "https://app.example/") == Kind.NAME
