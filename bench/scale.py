"""`make scale`: compares the time of calls on a small and a large database.

A temporary PostgreSQL has a database of 1,000 accounts and a large one, each with sessions, events, devices,
links and mails. The same calls of random accounts are made on both in turns, in this process and without
hashing or rate limits. The query plan of each statement is printed. Then `auth prune` deletes expired rows of
the large database during further calls.
"""

import argparse
import itertools
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import create_engine, make_url, text

from auth.admin import pruning
from bench.accounts import Place, accounts, place
from bench.aims import at_most, print_line
from bench.machine import Noise, cpu_seconds
from bench.plans import Plan, explained, large_tables, recorded
from bench.population import Size, bytes_a_row, database_size
from bench.servers import ROOT, postgres
from config import Settings, TestingConfig
from utils.database.migrations import upgrade

SMALL = Size(1_000, 5_000, 5_000)
AIM = at_most(1.3)
LARGE = 10_000  # rows; larger tables should not be scanned sequentially
WARM = 30  # warm-up rounds for connections, prepared statements and caches
COSTED = 1_000  # calls of each kind to measure processor time
PRUNE_CALLS = ("me", "login")
Times = dict[str, list[float]]


def in_turns(places: list[Place], rounds: int, warm: int = WARM) -> list[Times]:
    """Return the seconds of each call on each database. Each round makes every call once, in random order."""
    found: list[Times] = [{} for _ in places]
    chance = random.Random(1)
    sources = [accounts(each, rounds + warm) for each in places]
    for number in range(rounds + warm):
        made = [(index, *call) for index, source in enumerate(sources) for call in next(source).items()]
        for index, name, call in chance.sample(made, len(made)):
            began = time.perf_counter()
            call()
            if number >= warm:
                found[index].setdefault(name, []).append(time.perf_counter() - began)
    return found


def costs(where: Place, count: int) -> dict[str, tuple[float, float]]:
    """Return the processor seconds per call of this process and of the local PostgreSQL."""
    with where.engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    head = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
    made, found = list(itertools.islice(accounts(where, 2 * count), count)), {}
    for name in made[0]:
        before = time.process_time(), cpu_seconds(head)
        for each in made:
            each[name]()
        after = time.process_time(), cpu_seconds(head)
        found[name] = (after[0] - before[0]) / count, (after[1] - before[1]) / count
    return found


def plans(where: Place) -> dict[str, list[Plan]]:
    """Return the query plans of all statements of each call."""
    found = {}
    for name, call in next(accounts(where, 1)).items():
        with recorded(where.engine) as sent:
            call()
        found[name] = [explained(where.tools, each) for each in sent]
    return found


def prune_plans(where: Place) -> dict[str, list[Plan]]:
    """Return the query plans of one slice of each pruned table, rolled back."""
    found = {}
    with where.app.app_context():
        session = where.services.tx()
        for table, before, prune_some in pruning.growing(where.services):
            with recorded(where.engine) as sent:
                prune_some(session, before, pruning.BATCH)
            session.rollback()
            found[f"prune {table}"] = [explained(where.tools, each) for each in sent]
    return found


def worst_calls(where: Place, enough: Callable[[], bool]) -> Times:
    """The seconds of `me` and `login`, one after the other until it is enough, each on another account."""
    found: Times = {}
    for made in accounts(where, 2_000):
        if enough():
            return found
        for name, call in made.items():
            if name.startswith(PRUNE_CALLS):
                began = time.perf_counter()
                call()
                found.setdefault(name, []).append(time.perf_counter() - began)
        time.sleep(0.005)
    return found


def pruned(uri: str) -> tuple[float, dict[str, int]]:
    """How long `auth prune` takes as a process of its own, and what it deleted."""
    environ = os.environ | {
        "FLASK_ENV": "development",
        "DATABASE_URI": uri,
        "FLASK_SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
    }
    began = time.perf_counter()
    command = [sys.executable, "-m", "flask", "--app", "app", "auth", "prune", "--json"]
    said = subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - began, json.loads(said)["deleted"]


def report_prune(where: Place, uri: str, calm_seconds: float) -> None:
    """Print the slowest calls with and without a concurrent prune."""
    until = time.perf_counter() + calm_seconds
    calm, over, beside = worst_calls(where, lambda: time.perf_counter() > until), Event(), Times()
    caller = Thread(target=lambda: beside.update(worst_calls(where, over.is_set)))
    caller.start()
    try:
        seconds, deleted = pruned(uri)
    finally:
        over.set()
        caller.join()
    again, _ = pruned(uri)
    rows = sum(deleted.values())
    print(
        f"\nprune: {rows:,} rows in {seconds:.0f} s, {rows / seconds:,.0f} a second; once more, {again:.0f} s"
    )
    print("  " + ", ".join(f"{table} {count:,}" for table, count in deleted.items()))
    for name, times in calm.items():
        print(f"  {name:22} calm {_spread(times)}   during prune {_spread(beside[name])}", flush=True)


def _spread(times: list[float]) -> str:
    return f"median {1000 * statistics.median(times):7.2f} ms, worst {1000 * max(times):7.1f} ms"


def report_plans(found: dict[str, list[Plan]], large: set[str]) -> None:
    """Print the scans of each statement, with a flag for sequential scans of large tables."""
    for name, statements in found.items():
        print(f"  {name}")
        for plan in statements:
            flag = "   SEQ SCAN" if plan.sequential & large else ""
            print(f"    {plan.milliseconds:8.2f} ms  {plan.buffers:32} {plan.statement}{flag}")
            for scan in plan.scans:
                print(f"        {scan}", flush=True)


def report_sizes(where: Place) -> None:
    """Print the bytes per row of each table."""
    print(f"\n{database_size(where.tools) / 1e9:.2f} GB")
    for table, (rows, alone, whole) in bytes_a_row(where.tools).items():
        print(f"  {table:16} {rows:10,} rows  {alone:5} bytes a row, {whole:5} with indexes", flush=True)


@contextmanager
def databases(server: str, names: list[str]) -> Iterator[list[str]]:
    """Create empty, migrated databases on this server; yield their URLs."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    uris = []
    for name in names:
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        url = make_url(server).set(database=name)
        engine = create_engine(url)
        upgrade(engine)
        engine.dispose()
        uris.append(url.render_as_string(hide_password=False))
    try:
        yield uris
    finally:
        with admin.connect() as connection:
            for name in names:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


def measure(server: str, size: Size, rounds: int, calm_seconds: float) -> None:
    """Print the whole report. The server must be a temporary one."""
    with databases(server, ["scale_small", "scale_large"]) as (small_uri, large_uri):
        began, noise = time.perf_counter(), Noise()
        with place(small_uri, SMALL) as small, place(large_uri, size) as large:
            print(f"{SMALL} and {size}, loaded in {time.perf_counter() - began:.0f} s")
            report_sizes(large)
            times = in_turns([small, large], rounds)
            print(f"\nmedian of {rounds} calls, small and large in turns ({noise})")
            for name in times[0]:
                of_small, of_large = (1000 * statistics.median(each[name]) for each in times)
                print_line(f"{name:20} {of_small:8.2f} ms {of_large:8.2f} ms", of_large / of_small, AIM)
            print("\nprocessor time a call on the large one, of the service and of Postgres")
            for name, (service, database) in costs(large, COSTED).items():
                print(f"  {name:20} {1000 * service:8.2f} ms {1000 * database:8.2f} ms", flush=True)
            print("\nplans on the large one")
            report_plans(plans(large) | prune_plans(large), large_tables(large.tools, LARGE))
            report_prune(large, large_uri, calm_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=5_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=400, help="calls of each kind at each size")
    parser.add_argument("--calm", type=float, default=20, help="seconds of calls before the prune")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as uri:
            server = Settings.load(TestingConfig, {"DATABASE_URI": uri}).database_uri
            measure(
                server, Size(options.users, options.sessions, options.events), options.rounds, options.calm
            )


if __name__ == "__main__":
    main()
