"""A server on loopback that answers with the bytes of a test, and records what it was asked."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from tests.support.server import DEADLINE

Script = Callable[[bytes], bytes]


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
        Thread(target=self._accept, daemon=True).start()

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
        self.stopped.set()
        self._listening.close()
        self.close_connections()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                accepted = self._listening.accept()[0]
                Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            connection.settimeout(DEADLINE)
            while request := _request(connection):
                with self._lock:
                    self.requests.append(request)
                answer = self.script(request)
                if not answer:
                    break
                connection.sendall(answer)
            connection.close()


def _request(connection: socket.socket) -> bytes:
    """Return the head of the next request, or nothing at the end of the stream."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    return received


@contextmanager
def scripted(script: Script | bytes, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """Run a server for the block; with bytes, all its answers are the same."""
    server = ScriptedServer((lambda _: script) if isinstance(script, bytes) else script, tls)
    try:
        yield server
    finally:
        server.close()
