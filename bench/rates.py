"""Calls a second of the fast paths, as ratios to this service's own floors in the same run.

`hello` is a bare route of this very app with all its hooks; `hash` is the password hash alone on
all cores. Absolute figures of a noisy machine mean little; ratios in one run do.
"""

import statistics
import subprocess
import sys
from pathlib import Path

from bench.aims import Aim, at_least, at_most, tell
from bench.load import load, post
from bench.machine import PASSWORD, Noise, cpu_seconds, memory, raw_hashes
from bench.servers import ROOT, Service, register, running

CONNECTIONS = 16
LOGIN_CONNECTIONS = 6
SESSIONS = 48  # that refresh in turns: living ones of one account, of which there may be 50
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
    """How long the import and the app take."""
    command = [sys.executable, "-c", STARTING]
    said = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for _ in range(5)
    ]
    print("\nstart")
    tell("import and create_app", statistics.median(map(float, said)), at_most(0.8, " s"))


def report_rates(
    server: str, database: str, uri: str, rounds: int, seconds: float, folder: Path, hashing: str
) -> None:
    """One line for each route: the median of the rounds, its ratio to the floor, and the aim."""
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
        print(f"  {name:8}{rates[name]:9.1f} calls/s {spent:9.2f} ms of a processor a call")
    print(f"  {'hash':8}{rates['hash']:9.1f} hashes/s on all cores")
    tell("me / hello", rates["me"] / rates["hello"], aims["me"])
    tell("me with limits / me without", from_many["true"] / from_many["false"], at_least(0.9))
    tell("verify / me", rates["verify"] / rates["me"], at_least(1.0))
    tell("refresh / hello", rates["refresh"] / rates["hello"], aims.get("refresh"))
    tell("login / hash", rates["login"] / rates["hash"], at_least(0.95))
    tell("resident memory of an idle worker", idle, at_most(110, " MB"))


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
    """`me` from so many addresses that none is refused."""
    token = post(f"{service.url}/auth/login", {"username": "ada", "password": PASSWORD})["access_token"]
    how = {"connections": CONNECTIONS, "token": token, "many_addresses": True}
    return statistics.median(
        load(f"{service.url}/auth/me", seconds, folder, **how).good for _ in range(rounds)
    )
