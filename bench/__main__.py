"""`make bench`: calls a second, as ratios to this service's own floors in the same run.

`hello` is a bare route of this very app with all its hooks; `hash` is the password hash
alone on all cores. Absolute figures of a noisy machine mean little; ratios in one run do.

Before them, what each page costs a browser (`bench/pages.py`); after them, whether the time of an
answer tells who has an account (`bench/timing.py`).
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.security import generate_password_hash

from bench import pages
from bench.chromium import INSTALL, chromium
from bench.servers import postgres, running
from bench.timing import report_timing
from config import Settings

CONNECTIONS = 16
LOGIN_CONNECTIONS = 6  # more would wait at the gate of a worker for so long that some are refused
PASSWORD = "correct horse battery"


def post(url: str, body: dict[str, str]) -> dict[str, str]:
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def wrk(url: str, seconds: int, *options: str, connections: int = CONNECTIONS) -> float:
    """Answers a second that were right; a refused call makes the figure worthless, and so an error."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", *options, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(f"{url} refused calls: {said}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return float(found[1]) if found else 0.0


def _hashes(method: str, seconds: float) -> float:
    """Hashes a second of one process."""
    end, count = time.perf_counter() + seconds, 0
    began = time.perf_counter()
    while time.perf_counter() < end:
        generate_password_hash(PASSWORD, method, salt_length=32)
        count += 1
    return count / (time.perf_counter() - began)


def raw_hashes(method: str, seconds: float) -> float:
    """Hashes a second on all cores, with nothing around them."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        return sum(pool.map(_hashes, [method] * cores, [seconds] * cores))


def measure(url: str, seconds: int, folder: Path) -> dict[str, float]:
    """Calls a second of each route, one after the other."""
    login = {"username": "ada", "password": PASSWORD}
    token = post(f"{url}/auth/login", login)["access_token"]
    script = folder / "login.lua"
    script.write_text(
        'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        f"wrk.body = '{json.dumps(login)}'\n"
    )
    return {
        "hello": wrk(f"{url}/health/live", seconds),
        "me": wrk(f"{url}/auth/me", seconds, "-H", f"Authorization: Bearer {token}"),
        "login": wrk(f"{url}/auth/login", seconds, "-s", str(script), connections=LOGIN_CONNECTIONS),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is shown")
    parser.add_argument("--timing", type=int, default=200, help="rounds of the timing test; 0 for none")
    parser.add_argument("--only-timing", action="store_true", help="and nothing else")
    parser.add_argument("--only-pages", action="store_true", help="what the pages cost a browser, alone")
    parser.add_argument("--servers", default="granian", help="granian, gunicorn or both, by comma")
    options = parser.parse_args()
    weigh_pages()
    if options.only_pages:
        return
    if not options.only_timing and not shutil.which("wrk"):
        sys.exit("wrk is not installed (Debian: apt-get install wrk)")
    hashing = Settings.__dataclass_fields__["password_hash_method"].metadata["default"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {CONNECTIONS} connections, 2 workers")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as postgres_uri:
            for database, uri in {"sqlite": f"sqlite:///{folder}/bench.db", "postgres": postgres_uri}.items():
                if options.timing:
                    report_timing(database, uri, options.timing, folder)
                for server in [] if options.only_timing else options.servers.split(","):
                    report(server, database, uri, options.rounds, options.seconds, folder, hashing)


def weigh_pages() -> None:
    """The pages in Chromium, where there is one."""
    if chromium() is None:
        print(f"The pages are not weighed. {INSTALL}")
        return
    with tempfile.TemporaryDirectory() as name, running("granian", f"sqlite:///{name}/pages.db", 1) as url:
        port = url.rpartition(":")[2]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            context, site = browser.new_context(viewport=pages.PHONE), f"http://localhost:{port}"
            print(f"\n{pages.HEAD}")
            pages.report_pages(context, site, pages.OPEN)
            email = "ada@example.com"
            post(f"{url}/auth/register", {"username": "ada", "email": email, "password": PASSWORD})
            pages.log_in(context, site, email, PASSWORD)
            pages.report_pages(context, site, pages.OWN)
            browser.close()


def report(
    server: str, database: str, uri: str, rounds: int, seconds: int, folder: Path, hashing: str
) -> None:
    """One line for each route: the median of the rounds, and its ratio to the floor."""
    found: dict[str, list[float]] = {}
    with running(server, uri, RATE_LIMIT_ENABLED="false") as url:
        try:
            post(
                f"{url}/auth/register", {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
            )
        except urllib.error.HTTPError as refusal:
            if refusal.code != 409:  # it is there from the round before
                raise
        for _ in range(rounds):
            for route, rate in measure(url, seconds, folder).items():
                found.setdefault(route, []).append(rate)
            found.setdefault("hash", []).append(raw_hashes(hashing, seconds))
    rates = {route: statistics.median(values) for route, values in found.items()}
    print(f"\n{server} on {database}")
    for route, floor in (("hello", "hello"), ("me", "hello"), ("login", "hash")):
        print(f"  {route:8} {rates[route]:9.1f} calls/s   {rates[route] / rates[floor]:.2f} of {floor}")
    print(f"  {'hash':8} {rates['hash']:9.1f} hashes/s on all cores", flush=True)


if __name__ == "__main__":
    main()
