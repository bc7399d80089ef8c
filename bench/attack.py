"""Brute-force attacks: how many guesses are checked, and whether the owner can still log in.

Three attacks run against the app with its real rate limits, a fast hash and a simulated clock. A guess counts
as let through if its password was checked.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from pathlib import Path

from flask import Flask
from sqlalchemy import text

from app import create_app
from bench.machine import PASSWORD
from config import Settings, TestingConfig
from models import db
from utils.database.migrations import upgrade

PAIRS = 10_000
VICTIMS = 100
ATTACKER = "198.18"  # prefix of its networks (RFC 2544)
KNOWN_EVERY = timedelta(minutes=7)
FRESH_EVERY = timedelta(minutes=53)
HOURS = 8


class Clock:
    """A clock that only moves when it is set."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass
class Field:
    """An attack: the app, its members, and an owner who logs in periodically."""

    app: Flask
    clock: Clock
    device_token: str = ""  # of the owner
    tried: int = 0
    known: list[int] = field(default_factory=list)  # statuses of the owner's logins on the known device
    fresh: list[int] = field(default_factory=list)  # and on new ones
    asks_at: dict[str, datetime] = field(default_factory=dict)

    def guess(self, name: str, password: str, network: int) -> None:
        """Make one guess."""
        self.tried += 1
        assert self.login(name, password, f"{ATTACKER}.{network // 256 % 256}.{network % 256}") != 200

    def wait(self, seconds: float) -> None:
        """Advance the clock. The owner logs in when due."""
        self.clock.moment += timedelta(seconds=seconds)
        if self._is_time("known", KNOWN_EVERY):
            self.known.append(self.login("user0", PASSWORD, "192.0.2.1", self.device_token))
        if self._is_time("fresh", FRESH_EVERY):
            self.fresh.append(self.login("user0", PASSWORD, f"192.0.2.{100 + len(self.fresh)}"))

    def _is_time(self, what: str, every: timedelta) -> bool:
        due = self.asks_at.setdefault(what, self.clock.moment + every)
        if self.clock.moment < due:
            return False
        self.asks_at[what] = self.clock.moment + every
        return True

    def let_through(self) -> int:
        """Return the number of guesses whose password was checked."""
        chance = (
            "SELECT coalesce(sum(count), 0) FROM audit_events WHERE ip_address LIKE :network "
            "AND event = 'sign_in_refused' AND reason IN ('unknown', 'wrong_password')"
        )
        with self.app.app_context(), db.engine.connect() as connection:
            return int(connection.execute(text(chance), {"network": f"{ATTACKER}.%"}).scalar_one())

    def login(self, name: str, password: str, address: str, device_token: str = "") -> int:
        """Return the status of a login. Stores the device token of the first success."""
        answer = self.app.test_client().post(
            "/auth/login",
            json={"username": name, "password": password},
            environ_base={"REMOTE_ADDR": address},
            headers={"X-Device-Token": device_token} if device_token else {},
        )
        if answer.status_code == 200:
            self.device_token = self.device_token or answer.get_json()["device_token"]
        return answer.status_code


def make_field(folder: Path, number: int) -> Field:
    """Return an app with `VICTIMS` members, the first of whom has logged in on a device."""
    clock = Clock()
    uri = f"sqlite:///{folder}/attack{number}.db"
    settings = Settings.load(TestingConfig, {"DATABASE_URI": uri, "RATE_LIMIT_ENABLED": "true"})
    app = create_app(settings=settings, clock=clock)
    with app.app_context():
        upgrade(db.engine)
    for member in range(VICTIMS):
        body = {"username": f"user{member}", "email": f"user{member}@example.com", "password": PASSWORD}
        address = {"REMOTE_ADDR": f"203.0.113.{member}"}
        assert app.test_client().post("/auth/register", json=body, environ_base=address).status_code == 201
    found = Field(app, clock)
    found.login("user0", PASSWORD, "192.0.2.1")
    return found


def guesses() -> Iterator[str]:
    """Yield wrong passwords."""
    return (f"guess number {number}" for number in count())


def stuffing(found: Field, networks: int) -> None:
    """Credential stuffing: 10,000 leaked pairs, three per second; every hundredth name is a member's."""
    wrong = guesses()
    for number in range(PAIRS):
        name = f"user{number // 100}" if number % 100 == 0 else f"leaked{number}"
        found.guess(name, next(wrong), number % networks)
        found.wait(1 / 3)


def targeted(found: Field, networks: int) -> None:
    """Targeted attack: one account, a guess every five seconds."""
    for number, password in islice(enumerate(guesses()), HOURS * 720):
        found.guess("user0", password, number % networks)
        found.wait(5)


def spray(found: Field, networks: int) -> None:
    """Password spraying: each password is tried on all members, one guess every five seconds."""
    names = cycle(f"user{number}" for number in range(VICTIMS))
    for number, password in islice(enumerate(guesses()), HOURS * 720):
        found.guess(next(names), password, number % networks)
        found.wait(5)


ATTACKS: dict[str, tuple[Callable[[Field, int], None], int]] = {
    "stuffing, 10,000 pairs in 56 minutes": (stuffing, 1),
    "stuffing, the same from 500 networks": (stuffing, 500),
    "one account, every 5 s for 8 hours": (targeted, 1),
    "one account, the same from 5000 networks": (targeted, 5000),
    "spray over 100 accounts, every 5 s for 8 hours": (spray, 1),
    "spray, the same from 5000 networks": (spray, 5000),
}


def report_attacks() -> None:
    """Print a line per attack: guesses, guesses let through, and the owner's successful logins."""
    print("\nbrute force, default rate limits; logins of the owner on a known device and on new ones")
    print(f"  {'attack':48}{'tried':>7}{'let through':>13}{'known':>12}{'new':>10}")
    with tempfile.TemporaryDirectory() as name:
        for number, (words, (attack, networks)) in enumerate(ATTACKS.items()):
            found = make_field(Path(name), number)
            attack(found, networks)
            known, fresh = (f"{each.count(200)} of {len(each)}" for each in (found.known, found.fresh))
            print(f"  {words:48}{found.tried:7}{found.let_through():13}{known:>12}{fresh:>10}", flush=True)
