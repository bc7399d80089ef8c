"""A server on loopback that answers with the bytes of a test, and records what it was asked.

It returns the nonce of a question, as the service does, unless the bytes of the test have a nonce.
"""

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from tests.support.server import DEADLINE

Script = Callable[[bytes], bytes]
NONCE = b"X-Auth-Nonce: "


class ScriptedServer:
    """Answers each request with what `script` returns for it. An empty answer closes the connection."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0  # accepted until now
        self.stopped = Event()
        self._open: list[socket.socket] = []
        self._lock, self._tls = Lock(), tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def close_connections(self) -> None:
        """Close the connections that are open, as a server does after its keep-alive time."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, close the connections, and wait for the threads."""
        self.stopped.set()
        with contextlib.suppress(OSError):  # closed already
            self._listening.shutdown(socket.SHUT_RDWR)  # ends a waiting accept
        self._listening.close()
        self._threads[0].join(DEADLINE)
        self.close_connections()
        for thread in self._threads[1:]:
            thread.join(DEADLINE)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                accepted = self._listening.accept()[0]
                self._threads.append(Thread(target=self._serve, args=(accepted,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            while request := _request(connection):
                with self._lock:
                    self.requests.append(request)
                answer = self.script(request)
                if not answer:
                    break
                connection.sendall(answer if NONCE in answer else with_nonce_of(request, answer))


def with_nonce_of(request: bytes, answer: bytes) -> bytes:
    """Return the answer with the nonce of this request, after its first line."""
    nonce = request.partition(NONCE)[2].partition(b"\r\n")[0]
    return answer.replace(b"\r\n", b"\r\n" + NONCE + nonce + b"\r\n", 1) if nonce else answer


def _request(connection: socket.socket) -> bytes:
    """Return the next request, or nothing at the end of the stream."""
    received = b""
    while not _is_complete(received):
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    return received


def _is_complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextmanager
def scripted(script: Script | bytes, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Run a server for the block; with bytes, all its answers are the same."""
    server = ScriptedServer((lambda _: script) if isinstance(script, bytes) else script, tls)
    try:
        yield server
    finally:
        server.close()
