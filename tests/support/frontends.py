"""A frontend with its own backend: files in memory, `/api/orders`, and a proxy for `/auth`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.support.server import DEADLINE, ROOT

CLIENT = (ROOT / "sdk" / "js" / "index.js").read_text("utf-8")
PAGE = """<!doctype html>
<meta charset="utf-8"><title>A frontend</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"auth-service-client": "/client.js", "react": "/react.js"}}</script>
<div id="root"></div>
"""
KINDS = {"js": "text/javascript", "html": "text/html"}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Frontend(ThreadingHTTPServer):
    """The server of a frontend. `service` is the port that its proxy and its backend call."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"/": PAGE, "/client.js": CLIENT, **files}
        self.service = 0

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Frontend

    def do_GET(self) -> None:
        if self.path in self.server.files:
            kind = KINDS.get(self.path.rpartition(".")[2], "text/html")
            self._answer(200, [("Content-Type", kind)], self.server.files[self.path].encode())
        elif self.path == "/api/orders":
            status, _, _ = self._called("GET", "/auth/verify", b"")
            body = json.dumps(["one order"] if status == 204 else {"code": "refused"}).encode()
            self._answer(200 if status == 204 else status, [("Content-Type", "application/json")], body)
        else:
            self._proxy()

    def _proxy(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self.path.startswith("/auth/"):
            return self._answer(404, [], b"")
        return self._answer(*self._called(self.command, self.path, body))

    do_POST = do_DELETE = do_PATCH = _proxy  # noqa: N815  (names of http.server)

    def _called(self, method: str, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.service, timeout=DEADLINE)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection.request(method, path, body, headers)
        with connection.getresponse() as answer:
            kept = [pair for pair in answer.getheaders() if pair[0].lower() not in HOP_BY_HOP]
            told = answer.status, kept, answer.read()
        connection.close()
        return told

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (as in http.server)
        """Log nothing."""


@contextmanager
def frontend(files: Mapping[str, str]) -> Iterator[Frontend]:
    """Serve these files by path, beside an empty page at `/` and the client at `/client.js`."""
    with Frontend(files) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
