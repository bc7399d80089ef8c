"""A stand-in leaked-password server in a thread, on a free port, with arbitrary behaviour."""

import hashlib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

LEAKED = "a password that leaked"
ELSEWHERE = f"{'0' * 35}:12\r\n{'A' * 35}:3\r\n"
Answer = Callable[[BaseHTTPRequestHandler], None]


def tail(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()[5:]


def listing(text: str, status: int = 200, *, missing: int = 0) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text) + missing))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Ignore clients that have disconnected."""


class Collection:
    """A stand-in server: answers as configured, and records the requests."""

    def __init__(self) -> None:
        self.answer = listing(f"{ELSEWHERE}{tail(LEAKED)}:2\r\n")
        self.asked: list[tuple[str, str | None]] = []
        self.over = Event()
        self.url = ""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Collection]:
    made = Collection()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers["Add-Padding"]))
            made.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/range/"
    with in_thread(server):
        try:
            yield made
        finally:
            made.over.set()


@contextmanager
def in_thread(server: Server) -> Iterator[None]:
    """Serve in a thread for the block."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere/")
    handler.end_headers()


def drip(collection: Collection, *, head: bool) -> Answer:
    """Send single bytes until the test ends: of the headers, or of the list."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if not head:
            handler.send_response(200)
            handler.end_headers()
        with suppress(OSError):
            while not collection.over.wait(0.05):
                handler.wfile.write(b"A")
                handler.wfile.flush()

    return answer


def stall(collection: Collection) -> Answer:
    def answer(_: BaseHTTPRequestHandler) -> None:
        collection.over.wait()

    return answer
