"""A flood of log-ins: 64 connections that do nothing else, and what is left for everybody else.

With limits off, so that every call reaches the gate in front of the hash; then with limits on, from
one address, as an operator would see it.
"""

import statistics
from pathlib import Path

from bench.aims import at_least, at_most, tell
from bench.load import Load, Wrk, load, post
from bench.machine import PASSWORD, Noise, memory, raw_hashes, settled
from bench.servers import Service, register, running

FLOOD = 64  # connections
CALM = 4  # connections that ask for `me` meanwhile
LASTING = 4  # times as long as another measurement: a log-in takes a while, and few of them count coarsely
LOGIN = {"username": "ada", "password": PASSWORD}
CALLER = {"username": "grace", "password": PASSWORD}  # whose session the flood does not end: 50 is the most
GATE = 1  # hashes at once in each of the two workers


def report_flood(
    server: str, database: str, uri: str, rounds: int, seconds: float, folder: Path, hashing: str
) -> None:
    """What a flood leaves, as ratios to the calm and to the raw hash; the median of the rounds."""
    noise, found = Noise(), dict[str, list[float]]()
    for _ in range(rounds):
        for name, figure in _round(server, uri, seconds, folder, hashing).items():
            found.setdefault(name, []).append(figure)
    figures = {name: statistics.median(each) for name, each in found.items()}
    print(f"\na flood of log-ins: {server} on {database}, {FLOOD} connections on login ({noise})")
    tell("raw hashes on all cores", figures["raw"], unit=" /s")
    tell("log-ins alone / raw hashes", figures["alone"], at_least(0.85))
    tell("   refused as busy", figures["busy"], unit=" /s")
    tell(f"me of {CALM} others / me in calm", figures["me"], at_least(0.3))
    tell("   calls a second in calm", figures["calm"], unit=" /s")
    tell("   p99 in calm", figures["calm p99"], unit=" ms")
    tell("   p99 under the flood", figures["p99"], at_most(max(5 * figures["calm p99"], 25), " ms"))
    tell("log-ins beside it / raw hashes", figures["beside"], at_least(0.35))
    tell("memory of a worker at most", figures["peak"], at_most(110 + 40 * GATE, " MB"))
    tell("with limits, from one address: me / me in calm", figures["limited"], at_least(0.5))
    tell("   log-ins let through", figures["let through"], unit=" /s")


def _round(server: str, uri: str, seconds: float, folder: Path, hashing: str) -> dict[str, float]:
    lasting = seconds * LASTING
    raw = raw_hashes(hashing, lasting)
    with running(server, uri, RATE_LIMIT_ENABLED="false", HASH_CONCURRENCY=str(GATE)) as service:
        register(service)
        register(service, CALLER["username"])
        token = post(f"{service.url}/auth/login", CALLER)["access_token"]
        calm = load(f"{service.url}/auth/me", seconds, folder, connections=CALM, token=token)
        alone = _flood(service, lasting, folder).found()
        settled(service.pid)
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
    """`me` of a few others, and the flood, at the same time."""
    flood = _flood(service, seconds, folder)
    how = {"connections": CALM, "token": token, "many_addresses": many_addresses}
    me = load(f"{service.url}/auth/me", seconds, folder, **how)
    return me, flood.found()
