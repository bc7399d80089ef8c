"""Machines of a small cluster on this one: apps on ports of their own, and a proxy in front of them."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.servers import ROOT, free_port

DEADLINE = 60  # seconds, for whatever is waited for
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
    """Wait for something to become true. Raises `TimeoutError`."""
    deadline = time.monotonic() + DEADLINE
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def call(
    url: str,
    method: str,
    path: str,
    body: Any = None,
    token: str = "",
    headers: dict[str, str] | None = None,
    source: str = "127.0.0.1",
) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of an answer; {} where it has none, 0 where no answer came.

    `source` is the address that it is called from: any of this machine's own, 127.0.0.0/8.
    """
    parts, sent = urlsplit(url), dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    if token:
        sent["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port, timeout=DEADLINE, source_address=(source, 0)
    )
    try:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException):
        return 0, {}
    finally:
        connection.close()


@dataclass
class Machine:
    """One app on a port of its own, as `python app.py` on a host of its own would be."""

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
        """Serve, and wait until it is ready."""
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

    def stop(self) -> None:
        """Ask it to finish what it has in hand and end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(DEADLINE)


@dataclass
class Proxy:
    """HAProxy in front of the machines, told through its socket which of them to spare."""

    port: int
    control: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, command: str) -> str:
        """A command of its runtime API, and what it says."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE)
            connection.connect(str(self.control))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def column(self, machine: Machine, name: str) -> str:
        """A figure that it keeps of a machine."""
        lines = self.tell("show stat").lstrip("# ").splitlines()
        head = lines[0].split(",")
        rows = (dict(zip(head, line.split(","), strict=False)) for line in lines[1:])
        return next(row[name] for row in rows if row.get("svname") == machine.name)

    def drain(self, machine: Machine) -> None:
        """Send it no new calls, and wait until it has answered those that it had."""
        self.tell(f"set server apps/{machine.name} state drain")
        until(lambda: self.column(machine, "scur") == "0", f"{machine.name} to be idle")

    def take_back(self, machine: Machine) -> None:
        """Send it calls again."""
        self.tell(f"set server apps/{machine.name} state ready")
        until(lambda: self.column(machine, "status").startswith("UP"), f"{machine.name} to be taken back")


@contextmanager
def behind_a_proxy(machines: list[Machine], folder: Path) -> Iterator[Proxy]:
    """The machines behind HAProxy, all of them serving."""
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
            proxy.take_back(machine)
        yield proxy
    finally:
        process.terminate()
        process.wait(DEADLINE)
        for machine in machines:
            machine.stop()


def new_secret() -> str:
    return secrets.token_urlsafe(48)
