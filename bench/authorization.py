"""The price of a permission: calls that need one beside calls that need a token only, interleaved."""

import statistics
import subprocess
import sys
from pathlib import Path

from bench.aims import Aim, at_least, print_line
from bench.load import load, post
from bench.machine import PASSWORD, Noise
from bench.servers import ROOT, Service, environment, free_port, process_of, register, upgrade

CONNECTIONS = 16
ROUNDS = 5
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


def report_authorization(database: str, uri: str, seconds: float, folder: Path) -> None:
    """Print the ratio of calls a second for each of `CALLERS`."""
    noise, port = Noise(), free_port()
    environ = environment(uri, PORT=str(port), RATE_LIMIT_ENABLED="false")
    upgrade(environ)
    command = [
        *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "2"),
        *("--host", "127.0.0.1", "--port", str(port), "bench.guarded_app:app"),
    ]
    url = f"http://127.0.0.1:{port}"
    with process_of(command, environ, f"{url}/health/ready", ROOT) as pid:
        found = {}
        for name, roles in CALLERS.items():
            register(Service(url, pid), name)
            _give_roles(environ, name, roles)
            token = post(f"{url}/auth/login", {"username": name, "password": PASSWORD})["access_token"]
            for pair, paths in PAIRS.items():
                found[name, pair] = [_both(url, paths, token, seconds, folder) for _ in range(ROUNDS)]
    print(f"\npermissions, granian on {database}, {CONNECTIONS} connections, 2 workers ({noise})")
    for (name, pair), rounds in found.items():
        ratio = statistics.median(second / first for first, second in rounds)
        aim = AIMS[database][pair] if name == "ada" else None
        print_line(f"{pair}, {CALLERS[name]} roles", ratio, aim)


def _both(url: str, paths: tuple[str, str], token: str, seconds: float, folder: Path) -> tuple[float, float]:
    how = {"connections": CONNECTIONS, "token": token}
    first, second = (load(f"{url}{path}", seconds, folder, **how).good for path in paths)
    return first, second


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
