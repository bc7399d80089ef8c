"""The real server as a process, on a free port, always stopped at the end."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
DEADLINE = 30  # seconds, for whatever a test waits for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(database_uri: str, port: int, **more: str) -> dict[str, str]:
    """Return the environment of a development server that does not use the checkout's `instance/`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "DATABASE_URI": database_uri,
        "PORT": str(port),
        "PUBLIC_URL": f"http://localhost:{port}",
        "FLASK_SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "APP_MODULES": "",  # not those of the developer's `.env`
        "MAIL_URL": "file:/dev/null/nowhere",  # a test that wants mails says where to
        **more,
    }


@dataclass
class Server:
    """A serving process, with shortcuts to call it."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def call(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and JSON body of a response; {} without a body."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read() or b"{}")

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def all_serve(self, workers: int = 2) -> bool:
        """Return whether every worker has started its serving threads."""
        states = [Path(f"/proc/{pid}/status").read_text() for pid in self.workers()]
        threads = [int(state.partition("Threads:")[2].split()[0]) for state in states]
        return len(threads) == workers and min(threads) > 2

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the stop signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


def until(done: Any, what: str) -> None:
    """Wait until the condition holds, or fail after a deadline."""
    deadline = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < deadline, f"timed out: {what}"
        time.sleep(0.02)


@contextmanager
def serving(
    database_uri: str,
    folder: Path,
    *,
    within: Sequence[str] = (),
    python: Sequence[str] = ("app.py",),
    **more: str,
) -> Iterator[Server]:
    """Run `python app.py` on this database until ready; `within` is a program that starts it, if given.

    `python` are other arguments of the interpreter, for another WSGI server.
    `PORT` is for a server that replaces another; by default the port is free.
    """
    port = int(more.get("PORT") or free_port())
    log = folder / f"server-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*within, sys.executable, *python],
            cwd=ROOT,
            env=environment(database_uri, port, **more),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    server = Server(port, process, log)
    try:
        until(lambda: process.poll() is not None or _is_ready(server), "the server to be ready")
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        if process.poll() is None:  # its workers notice, see utils/serving/server.py
            process.kill()
            process.wait()


def _is_ready(server: Server) -> bool:
    try:
        return server.call("GET", "/health/ready")[0] == 200
    except OSError:
        return False
