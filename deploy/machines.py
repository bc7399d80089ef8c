"""The machines of a test cluster: apps on their own ports, and a proxy."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.servers import ROOT, free_port

DEADLINE = 60  # seconds for each wait
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
PROXY = """
global
    stats socket {socket} level admin
    hard-stop-after 10s
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    timeout check 2s
    option redispatch
    retries 2
frontend edge
    bind 127.0.0.1:{port}
    option forwardfor
    default_backend apps
backend apps
    balance roundrobin
    option httpchk GET /health/ready
    default-server check inter 200ms fall 2 rise 1
{servers}
"""


def until(done: Callable[[], bool], what: str) -> None:
    """Wait until `done` returns True. Raises `TimeoutError`."""
    deadline = time.monotonic() + DEADLINE
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def exchange(
    url: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    source: str = "127.0.0.1",
) -> tuple[int, bytes]:
    """Return the status and body of a response; status 0 without a response.

    `source` is the source address, within 127.0.0.0/8.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=DEADLINE, source_address=(source, 0)
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def call(
    url: str,
    method: str,
    path: str,
    body: Any = None,
    token: str = "",
    headers: Mapping[str, str] | None = None,
    source: str = "127.0.0.1",
) -> tuple[int, dict[str, Any]]:
    """Return the status and JSON of a response; {} without a body, status 0 without a response."""
    sent = dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    if token:
        sent["Authorization"] = f"Bearer {token}"
    text = None if body is None else json.dumps(body).encode()
    status, answer = exchange(url, method, path, text, sent, source)
    return status, json.loads(answer or b"{}")


def expect(found: object, wanted: object) -> None:
    """Raise `AssertionError` if the values differ."""
    if found != wanted:
        raise AssertionError(f"{found} instead of {wanted}")


@dataclass
class Machine:
    """An app on its own port, run by `python app.py`."""

    name: str
    folder: Path
    settings: dict[str, str]
    clock_off: int = 0  # seconds
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        environ = os.environ | self.settings | {"PORT": str(self.port), "HOST": "127.0.0.1"}
        if self.clock_off:
            environ |= {"LD_PRELOAD": str(FAKETIME), "FAKETIME": f"{self.clock_off:+d}s"}
            environ |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=ROOT,
                env=environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: call(self.url, "GET", "/health/ready")[0] == 200, f"{self.name} to be ready")

    def command(self, *words: str) -> Any:
        """Run `flask auth ... --json` with the settings of the machine; return what it prints."""
        command = [sys.executable, "-m", "flask", "--app", "app", "auth", *words, "--json"]
        environ = os.environ | self.settings
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        expect((done.returncode, done.stderr if done.returncode else ""), (0, ""))
        return json.loads(done.stdout)

    def stop(self) -> None:
        """Send SIGTERM and wait for the process."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(DEADLINE)


@dataclass
class Proxy:
    """HAProxy in front of the machines, controlled through its socket."""

    port: int
    control: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, command: str) -> str:
        """Send a command to the runtime API and return its output."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE)
            connection.connect(str(self.control))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def column(self, machine: Machine, name: str) -> str:
        """Return a column of the statistics of a machine."""
        lines = self.send("show stat").lstrip("# ").splitlines()
        head = lines[0].split(",")
        rows = (dict(zip(head, line.split(","), strict=False)) for line in lines[1:])
        return next(row[name] for row in rows if row.get("svname") == machine.name)

    def drain(self, machine: Machine) -> None:
        """Stop sending requests to a machine, and wait until it is idle."""
        self.send(f"set server apps/{machine.name} state drain")
        until(lambda: self.column(machine, "scur") == "0", f"{machine.name} to be idle")

    def enable(self, machine: Machine) -> None:
        """Send requests to a machine again."""
        self.send(f"set server apps/{machine.name} state ready")
        until(lambda: self.column(machine, "status").startswith("UP"), f"{machine.name} to be up")


@contextmanager
def behind_proxy(machines: list[Machine], folder: Path) -> Iterator[Proxy]:
    """Run the machines behind HAProxy."""
    proxy = Proxy(free_port(), folder / "haproxy.sock")
    servers = "\n".join(f"    server {each.name} 127.0.0.1:{each.port}" for each in machines)
    config = folder / "haproxy.cfg"
    config.write_text(PROXY.format(socket=proxy.control, port=proxy.port, servers=servers))
    process = subprocess.Popen(
        ["haproxy", "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for machine in machines:
            machine.start()
        until(proxy.control.exists, "HAProxy")
        for machine in machines:
            proxy.enable(machine)
        yield proxy
    finally:
        process.terminate()
        process.wait(DEADLINE)
        for machine in machines:
            machine.stop()


def new_secret() -> str:
    return secrets.token_urlsafe(48)
