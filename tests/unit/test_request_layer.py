"""The WSGI layer: headers, and one log line and one metric of every request."""

import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.conftest import AppFactory
from tests.support.service import signed_in
from utils.observability.logs import JsonLines
from utils.observability.metrics import Metrics
from utils.request_record import KEY
from utils.web.http import client_info
from utils.web.layer import MAX_BUFFERED, RequestLayer

ENVIRON = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.7"}
CONSTANT = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
Given = list[tuple[str, str]]


class Body:
    """A body of two chunks that knows whether it was closed."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"one", b"two"])

    def close(self) -> None:
        self.closed = True


class Server:
    """A WSGI server with the layer around an application, and what both wrote."""

    def __init__(self, body: Iterable[bytes], *headers: tuple[str, str], status: str = "200 OK") -> None:
        self.metrics = Metrics()
        self.application: Callable[..., Any] = self._answer
        self.body, self.given, self.status = body, list(headers), status
        self.headers: Given = []

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = "198.51.100.9"  # as `with_client_address`
        start_response(self.status, self.given)
        return self.body

    def call(self) -> Any:
        def start(_status: str, headers: Given) -> None:
            self.headers = headers

        layer = RequestLayer(self.application, CONSTANT, self.metrics)
        return layer(dict(ENVIRON), start)

    def counted(self) -> float:
        """Return how many requests the metric counted."""
        found = self.metrics.exposition().decode()
        lines = [line for line in found.splitlines() if line.startswith("auth_request_seconds_count")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Yield a function that returns the log lines so far."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("auth")
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    logger.removeHandler(handler)


@pytest.mark.parametrize("name", ["Cache-Control", "cache-control", "CACHE-CONTROL"])
def test_header_of_the_response_is_not_added_again(name: str) -> None:
    server = Server([b""], (name, "public"), ("Content-Length", "0"))
    server.call()
    assert [value for key, value in server.headers if key.lower() == "cache-control"] == ["public"]
    assert ("X-Frame-Options", "DENY") in server.headers


def test_request_id_of_the_application_is_replaced() -> None:
    server = Server([b""], ("x-request-id", "chosen"), ("Content-Length", "0"))
    server.call()
    (value,) = [value for key, value in server.headers if key.lower() == "x-request-id"]
    assert len(value) == 16
    assert value != "chosen"


def test_short_body_is_a_list_and_closed() -> None:
    body = Body()
    assert Server(body, ("Content-Length", "6")).call() == [b"one", b"two"]
    assert body.closed


def test_long_body_is_passed_on_as_it_is() -> None:
    body = Body()
    assert Server(body, ("Content-Length", str(MAX_BUFFERED + 1))).call() is body
    assert not body.closed


def test_line_has_the_address_that_the_application_found(lines: Callable[[], list[dict[str, Any]]]) -> None:
    Server([b""], ("Content-Length", "0")).call()
    (line,) = lines()
    assert line["ip_address"] == "198.51.100.9"


def test_line_and_metric_are_written_once_when_a_body_of_unknown_length_ends(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    server = Server(body := Body())
    answer = server.call()
    assert (lines(), server.counted()) == ([], 0)
    assert b"".join(answer) == b"onetwo"
    answer.close()
    assert (len(lines()), server.counted()) == (1, 1)
    assert body.closed


def test_line_and_metric_are_written_once_when_the_client_breaks_off(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    server = Server(body := Body())
    answer = server.call()
    next(iter(answer))
    answer.close()
    answer.close()
    assert (len(lines()), server.counted()) == (1, 1)
    assert body.closed


def test_line_and_metric_are_written_once_when_the_application_raises(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    def failing(_environ: Any, _start: Any) -> Iterable[bytes]:
        raise KeyboardInterrupt

    server = Server([])
    server.application = failing
    with pytest.raises(KeyboardInterrupt):
        server.call()
    (line,) = lines()
    assert (line["status"], server.counted()) == (500, 1)


def test_line_and_metric_are_written_once_when_a_body_raises(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("cut")

    server = Server(failing())
    answer = server.call()
    with pytest.raises(ValueError, match="cut"):
        list(answer)
    answer.close()
    assert (len(lines()), server.counted()) == (1, 1)


def test_request_context_without_the_layer_has_one_request_id(make_app: AppFactory) -> None:
    with make_app().test_request_context() as context:
        first = client_info().request_id
        assert len(first) == 16
        assert client_info().request_id == first == context.request.environ[KEY].id


def test_hot_path_has_no_hook_of_flask(make_app: AppFactory) -> None:
    app = make_app()
    assert not app.before_request_funcs.get(None)
    assert not app.after_request_funcs.get(None)
    assert not app.before_request_funcs.get("auth")
    assert not app.after_request_funcs.get("auth")
    assert signed_in(app.test_client())["access_token"]
