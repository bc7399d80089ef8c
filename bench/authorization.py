"""The price of a permission: calls that need one beside calls that need a token only, interleaved.

The order within a pair alternates. Rounds are short and many: how the connections of one load fall to the two
workers changes its rate by up to a third. The CPU time of a call, which is printed too, varies less.
"""

import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.aims import Aim, at_least, print_line
from bench.load import load, post
from bench.machine import PASSWORD, Noise, cpu_seconds
from bench.servers import ROOT, Service, environment, free_port, process_of, register, upgrade

CONNECTIONS = 16
ROUNDS = 30
ROUND_SECONDS = 1  # wrk takes whole seconds
CALLERS = {"ada": 2, "grace": 5}  # and the number of their roles; the aims are those of the first one
PERMISSIONS = 20  # of each role
PAIRS = {
    "permission / token": ("/bench/token", "/bench/permission"),
    "verify with permission / without": ("/auth/verify", "/auth/verify?permission=reports:read"),
}
AIMS: dict[str, dict[str, Aim]] = {
    "sqlite": {"permission / token": at_least(0.90), "verify with permission / without": at_least(0.85)},
    "postgres": {"permission / token": at_least(0.80), "verify with permission / without": at_least(0.85)},
}


class Load(NamedTuple):
    """What one load measured: successful calls a second, and seconds of CPU time for a call."""

    rate: float
    cpu: float


def report_authorization(database: str, uri: str, folder: Path) -> None:
    """Print the ratios of calls a second, and of CPU time for a call, for each of `CALLERS`."""
    noise, port = Noise(), free_port()
    environ = environment(uri, PORT=str(port), RATE_LIMIT_ENABLED="false")
    upgrade(environ)
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "2"),
        *("--host", "127.0.0.1", "--port", str(port), "bench.guarded_app:app"),
    ]
    url = f"http://127.0.0.1:{port}"
    with process_of(command, environ, f"{url}/health/ready", ROOT) as pid:
        service, found = Service(url, pid), {}
        for name, roles in CALLERS.items():
            register(service, name)
            _give_roles(environ, name, roles)
            token = post(f"{url}/auth/login", {"username": name, "password": PASSWORD})["access_token"]
            for pair, paths in PAIRS.items():
                found[name, pair] = [
                    _both(service, paths, token, folder, reverse=number % 2 == 1) for number in range(ROUNDS)
                ]
    print(f"\npermissions, granian on {database}, {CONNECTIONS} connections, 2 workers ({noise})")
    for (name, pair), rounds in found.items():
        aim = AIMS[database][pair] if name == "ada" else None
        label = f"{pair}, {CALLERS[name]} roles"
        print_line(label, statistics.median(needing.rate / free.rate for free, needing in rounds), aim)
        print_line(
            "  by CPU time of a call", statistics.median(free.cpu / needing.cpu for free, needing in rounds)
        )


def _both(
    service: Service, paths: tuple[str, str], token: str, folder: Path, *, reverse: bool
) -> tuple[Load, Load]:
    found = {}
    for path in reversed(paths) if reverse else paths:
        before = cpu_seconds(service.pid)
        made = load(f"{service.url}{path}", ROUND_SECONDS, folder, connections=CONNECTIONS, token=token)
        found[path] = Load(made.good, (cpu_seconds(service.pid) - before) / made.answers)
    return found[paths[0]], found[paths[1]]


def _give_roles(environ: dict[str, str], name: str, roles: int) -> None:
    for role in range(roles):
        permissions = [f"thing-{role}-{number}:read" for number in range(PERMISSIONS - 1)] + ["reports:read"]
        allowed = [word for permission in permissions for word in ("--allow", permission)]
        if name == "ada" or role >= CALLERS["ada"]:  # the roles of the first caller are there already
            _auth(environ, "define-role", f"role-{role}", *allowed)
        _auth(environ, "grant", name, f"role-{role}")


def _auth(environ: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "flask", "--app", "app", "auth", *words]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
