"""Import and export of 100,000 accounts by the command line, and refused logins of imported accounts."""

import json
import random
import secrets
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.aims import at_least, at_most, print_line
from bench.machine import Noise
from bench.servers import ROOT, environment, running, upgrade
from bench.timing import Call, interleaved, permutation_p

ACCOUNTS = 100_000
LOGINS = 25  # of each kind
ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HASHES = {"bcrypt": "$2b$10$" + "." * 53, "phpass": "$P$B" + "a" * 30}


def report_transfer(database: str, uri: str, folder: Path) -> None:
    """Print the seconds of an import, of the same again, and of an export."""
    noise, file, run = Noise(), folder / "accounts.jsonl", secrets.token_hex(4)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in _lines(run)))
    environ = environment(uri)
    upgrade(environ)

    def timed(*words: str) -> float:
        began = time.monotonic()
        command = [sys.executable, "-m", "flask", "--app", "app", "auth", *words]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
        return time.monotonic() - began

    took, again = timed("import", str(file), "--trust-verified"), timed("import", str(file))
    export = timed("export", "--with-hashes")
    print(f"\n{ACCOUNTS:,} accounts on {database} ({noise})")
    print_line("import, bcrypt hashes", took, at_most(60, " s"))
    print_line("the same import again", again, unit=" s")
    print_line("export, with hashes", export, at_most(10, " s"))
    file.unlink()


def _lines(run: str) -> list[dict[str, Any]]:
    chance = random.Random(run)
    return [
        {
            "id": number,
            "email": f"{run}-{number}@example.com",
            "username": f"{run}-{number}",
            "password_hash": "$2b$10$" + "".join(chance.choices(ALPHABET, k=53)),
            "email_verified": True,
            "created_at": "2020-05-01T12:00:00Z",
        }
        for number in range(ACCOUNTS)
    ]


def report_refusals(uri: str, folder: Path) -> None:
    """Print how long refused logins take: of unknown names, and of imported accounts."""
    run, noise = secrets.token_hex(4), Noise()
    file = folder / "refused.jsonl"
    lines = [
        {"email": f"{run}-{kind}-{n}@example.com", "username": f"{run}-{kind}-{n}", "password_hash": hashed}
        for kind, hashed in HASHES.items()
        for n in range(LOGINS)
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    environ = environment(uri)
    upgrade(environ)
    command = [sys.executable, "-m", "flask", "--app", "app", "auth", "import", str(file)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    counts = dict.fromkeys(("unknown", *HASHES), 0)

    def login(kind: str) -> Call:
        def call() -> tuple[str, dict[str, str]]:
            counts[kind] += 1
            return "/auth/login", {
                "username": f"{run}-{kind}-{counts[kind] % LOGINS}",
                "password": "a wrong one",
            }

        return call

    with running("granian", uri, 1, RATE_LIMIT_ENABLED="false") as service:
        calls = {kind: login(kind) for kind in counts}
        interleaved(service.url, calls, 3)
        times = interleaved(service.url, calls, LOGINS)
    usual = statistics.median(times["unknown"])
    print(f"\nrefused logins of imported accounts ({noise}); an unknown name: {usual * 1000:.0f} ms")
    for kind in HASHES:
        ratio = statistics.median(times[kind]) / usual
        print_line(f"{kind} / unknown name", ratio, at_least(0.9))
        print_line(f"{kind}: p of ranks", permutation_p(times["unknown"], times[kind]))
