"""A login flood: throughput and latency of other requests while 64 connections log in.

First without rate limits, so that every login reaches the concurrency limit on hashing; then with rate
limits, from one address.
"""

import statistics
from pathlib import Path

from bench.aims import at_least, at_most, print_line
from bench.load import Load, Wrk, load, post
from bench.machine import PASSWORD, Noise, memory, raw_hashes, wait_until_idle
from bench.servers import Service, register, running

FLOOD = 64  # connections
CALM = 4  # connections that call `/auth/me` at the same time
LASTING = 4  # times the usual duration, as logins are slow and few
LOGIN = {"username": "ada", "password": PASSWORD}
CALLER = {
    "username": "grace",
    "password": PASSWORD,
}  # the flood ends old sessions of ada
GATE = 1  # concurrent hashes in each of the two workers


def report_flood(
    server: str, database: str, uri: str, rounds: int, seconds: float, folder: Path, hashing: str
) -> None:
    """Print the results during a flood, relative to an idle service and to raw hashes; medians."""
    noise, found = Noise(), dict[str, list[float]]()
    for _ in range(rounds):
        for name, figure in _round(server, uri, seconds, folder, hashing).items():
            found.setdefault(name, []).append(figure)
    figures = {name: statistics.median(each) for name, each in found.items()}
    print(f"\nlogin flood: {server} on {database}, {FLOOD} connections on login ({noise})")
    print_line("raw hashes on all cores", figures["raw"], unit=" /s")
    print_line("logins alone / raw hashes", figures["alone"], at_least(0.85))
    print_line("   refused as busy", figures["busy"], unit=" /s")
    print_line(f"me of {CALM} others / me in calm", figures["me"], at_least(0.3))
    print_line("   calls a second in calm", figures["calm"], unit=" /s")
    print_line("   p99 in calm", figures["calm p99"], unit=" ms")
    print_line("   p99 under the flood", figures["p99"], at_most(20, " ms"))
    print_line("logins at the same time / raw hashes", figures["beside"], at_least(0.2))
    print_line("memory of a worker at most", figures["peak"], at_most(110 + 40 * GATE, " MB"))
    print_line("with limits, from one address: me / me in calm", figures["limited"], at_least(0.5))
    print_line("   logins let through", figures["let through"], unit=" /s")


def _round(server: str, uri: str, seconds: float, folder: Path, hashing: str) -> dict[str, float]:
    lasting = seconds * LASTING
    raw = raw_hashes(hashing, lasting)
    with running(server, uri, RATE_LIMIT_ENABLED="false", HASH_CONCURRENCY=str(GATE)) as service:
        register(service)
        register(service, CALLER["username"])
        token = post(f"{service.url}/auth/login", CALLER)["access_token"]
        calm = load(f"{service.url}/auth/me", seconds, folder, connections=CALM, token=token)
        alone = _flood(service, lasting, folder).found()
        wait_until_idle(service.pid)
        me, beside = _me_beside(service, token, lasting, folder)
        peak = memory(service.pid, "VmHWM")
    with running(server, uri, RATE_LIMIT_ENABLED="true", TRUSTED_PROXIES="1") as service:
        token = post(f"{service.url}/auth/login", CALLER)["access_token"]
        limited, let_through = _me_beside(service, token, lasting, folder, many_addresses=True)
    return {
        "raw": raw,
        "alone": alone.good / raw,
        "busy": alone.refused,
        "me": me.good / calm.good,
        "calm": calm.good,
        "calm p99": calm.p99,
        "p99": me.p99,
        "beside": beside.good / raw,
        "peak": peak,
        "limited": limited.good / calm.good,
        "let through": let_through.good,
    }


def _flood(service: Service, seconds: float, folder: Path) -> Wrk:
    return Wrk(f"{service.url}/auth/login", seconds, folder, connections=FLOOD, body=LOGIN)


def _me_beside(
    service: Service, token: str, seconds: float, folder: Path, *, many_addresses: bool = False
) -> tuple[Load, Load]:
    """Return the loads of `/auth/me` and of the flood, measured at the same time."""
    flood = _flood(service, seconds, folder)
    how = {"connections": CALM, "token": token, "many_addresses": many_addresses}
    me = load(f"{service.url}/auth/me", seconds, folder, **how)
    return me, flood.found()
