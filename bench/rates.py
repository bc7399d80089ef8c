"""Throughput of the fast paths, relative to baselines of the same run.

The baselines are `hello`, a minimal route of the app with all its hooks, and `hash`, the password hash alone
on all cores. Ratios are more robust on a noisy machine than absolute numbers.
"""

import statistics
import subprocess
import sys
from pathlib import Path

from bench.aims import Aim, at_least, at_most, print_line
from bench.load import load, post
from bench.machine import PASSWORD, Noise, cpu_seconds, memory, raw_hashes
from bench.servers import ROOT, Service, register, running

CONNECTIONS = 16
LOGIN_CONNECTIONS = 6
SESSIONS = 48  # active sessions of one account, which refresh in turns (50 at most)
AIMS: dict[str, dict[str, Aim]] = {
    "sqlite": {"me": at_least(0.40)},
    "postgres": {"me": at_least(0.20), "refresh": at_least(0.12)},
}
STARTING = (
    "import time; began = time.perf_counter(); from app import create_app; create_app('testing');"
    "print(time.perf_counter() - began)"
)
Rates = dict[str, list[float]]


def report_start() -> None:
    """Print the time of the import and of `create_app`."""
    command = [sys.executable, "-c", STARTING]
    said = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for _ in range(5)
    ]
    print("\nstart")
    print_line("import and create_app", statistics.median(map(float, said)), at_most(0.8, " s"))


def report_rates(
    server: str, database: str, uri: str, rounds: int, seconds: float, folder: Path, hashing: str
) -> None:
    """Print a line per route: the median, its ratio to the baseline, and the target."""
    noise, found, cpu = Noise(), Rates(), dict[str, list[float]]()
    with running(server, uri, RATE_LIMIT_ENABLED="false") as service:
        register(service)
        idle = memory(service.pid)
        for _ in range(rounds):
            _round(service, seconds, folder, found, cpu)
            found.setdefault("hash", []).append(raw_hashes(hashing, seconds))
    from_many = {}
    for limits in ("false", "true"):
        with running(server, uri, RATE_LIMIT_ENABLED=limits, TRUSTED_PROXIES="1") as service:
            from_many[limits] = _me_from_many_addresses(service, rounds, seconds, folder)
    rates = {name: statistics.median(values) for name, values in found.items()}
    aims = AIMS[database]
    print(f"\n{server} on {database}, {CONNECTIONS} connections, 2 workers ({noise})")
    for name in ("hello", "me", "verify", "refresh", "login"):
        spent = 1000 * statistics.median(cpu[name])
        print(f"  {name:8}{rates[name]:9.1f} calls/s {spent:9.2f} ms of CPU per call")
    print(f"  {'hash':8}{rates['hash']:9.1f} hashes/s on all cores")
    print_line("me / hello", rates["me"] / rates["hello"], aims["me"])
    print_line("me with limits / me without", from_many["true"] / from_many["false"], at_least(0.9))
    print_line("verify / me", rates["verify"] / rates["me"], at_least(1.0))
    print_line("refresh / hello", rates["refresh"] / rates["hello"], aims.get("refresh"))
    print_line("login / hash", rates["login"] / rates["hash"], at_least(0.95))
    print_line("resident memory of an idle worker", idle, at_most(110, " MB"))


def _round(service: Service, seconds: float, folder: Path, rates: Rates, cpu: Rates) -> None:
    url, login = service.url, {"username": "ada", "password": PASSWORD}
    pairs = [post(f"{url}/auth/login", login) for _ in range(SESSIONS)]
    token, refresh_tokens = pairs[-1]["access_token"], [pair["refresh_token"] for pair in pairs]
    for name, path, how in (
        ("hello", "/health/live", {"token": token}),
        ("me", "/auth/me", {"token": token}),
        ("verify", "/auth/verify", {"token": token}),
        ("refresh", "/auth/refresh", {"refresh_tokens": refresh_tokens}),
        ("login", "/auth/login", {"body": login, "connections": LOGIN_CONNECTIONS}),
    ):
        before = cpu_seconds(service.pid)
        found = load(f"{url}{path}", seconds, folder, **({"connections": CONNECTIONS} | how))
        rates.setdefault(name, []).append(found.good)
        cpu.setdefault(name, []).append((cpu_seconds(service.pid) - before) / found.answers)


def _me_from_many_addresses(service: Service, rounds: int, seconds: float, folder: Path) -> float:
    """Return the rate of `/auth/me` from many addresses, below their rate limits."""
    token = post(f"{service.url}/auth/login", {"username": "ada", "password": PASSWORD})["access_token"]
    how = {"connections": CONNECTIONS, "token": token, "many_addresses": True}
    return statistics.median(
        load(f"{service.url}/auth/me", seconds, folder, **how).good for _ in range(rounds)
    )
