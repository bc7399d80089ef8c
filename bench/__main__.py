"""`make bench`: measurements with targets. Throughput is relative to baselines of the same run.

- `bench/pages.py`: requests, bytes and first paint of each page
- `bench/rates.py`: throughput of the fast paths
- `bench/peer.py`: throughput beside Flask-JWT-Extended; with `--base COMMIT` beside an earlier version
- `bench/authorization.py`: calls that need a permission beside calls that need a token
- `bench/provider.py`: calls of clients beside the service's own refresh
- `bench/provider_flood.py`: throughput and latency during floods of wrong calls to the provider
- `bench/flood.py`: throughput and latency during a login flood
- `bench/restarts.py`: failed requests during restarts
- `bench/transfer.py`: import and export of 100,000 accounts, refused logins of imported accounts
- `bench/attack.py`: brute-force attacks against the rate limits
- `bench/timing.py`: timing side channels for account enumeration
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench import pages
from bench.attack import report_attacks
from bench.authorization import report_authorization
from bench.chromium import INSTALL, chromium
from bench.flood import report_flood
from bench.machine import PASSWORD
from bench.peer import report_base, report_peer
from bench.provider import report_provider
from bench.provider_flood import report_provider_flood
from bench.rates import report_rates, report_start
from bench.restarts import report_restarts
from bench.servers import postgres, register, running
from bench.timing import report_timing
from bench.transfer import report_refusals, report_transfer
from config import Settings

UNDER_LOAD = (
    *("rates", "peer", "authorization", "provider", "provider-flood"),
    *("flood", "restarts", "timing", "transfer"),
)
PEER_ROUNDS = 5
PARTS = ("pages", "attack", *UNDER_LOAD)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, by comma: {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=5, help="seconds of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds; the median is printed")
    parser.add_argument("--timing", type=int, default=200, help="rounds of the timing measurement")
    parser.add_argument("--servers", default="granian", help="granian, gunicorn or both, by comma")
    parser.add_argument("--databases", default="sqlite,postgres", help="one or both, by comma")
    parser.add_argument("--base", help="a commit of this repository to compare with, in the part `peer`")
    options = parser.parse_args()
    parts = options.only.split(",")
    if "pages" in parts:
        measure_pages()
    if "attack" in parts:
        report_attacks()
    if under_load := [part for part in parts if part in UNDER_LOAD]:
        if not shutil.which("wrk"):
            sys.exit("wrk is not installed (Debian: apt-get install wrk)")
        measure(under_load, options)


def measure(parts: list[str], options: argparse.Namespace) -> None:
    """Run the parts that need servers and databases."""
    if "rates" in parts:
        report_start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if "peer" in parts:
            report_peer(PEER_ROUNDS, options.seconds, folder)
        with postgres(folder / "postgres") as postgres_uri:
            uris = {"sqlite": f"sqlite:///{folder}/bench.db", "postgres": postgres_uri}
            for database in filter(None, options.databases.split(",")):
                measure_database(parts, options, database, uris[database], folder)


def measure_database(
    parts: list[str], options: argparse.Namespace, database: str, uri: str, folder: Path
) -> None:
    """Run the parts that are measured on each database."""
    hashing = Settings.__dataclass_fields__["password_hash_method"].metadata["default"]
    if "peer" in parts and options.base:
        report_base(options.base, database, uri, PEER_ROUNDS, options.seconds, folder)
    if "authorization" in parts:
        report_authorization(database, uri, folder)
    measure_provider(parts, options, database, uri, folder)
    for server in options.servers.split(","):
        if "rates" in parts:
            report_rates(server, database, uri, options.rounds, options.seconds, folder, hashing)
        if "flood" in parts:
            report_flood(server, database, uri, options.rounds, options.seconds, folder, hashing)
        if "restarts" in parts:
            report_restarts(server, database, uri, options.rounds)
    if "timing" in parts:
        report_timing(database, uri, options.timing, folder)
    if "transfer" in parts:
        report_transfer(database, uri, folder)
        report_refusals(uri, folder)


def measure_provider(
    parts: list[str], options: argparse.Namespace, database: str, uri: str, folder: Path
) -> None:
    """Run the parts about the OpenID Connect provider."""
    if "provider" in parts:
        report_provider(database, uri, options.rounds, options.seconds, folder)
    if "provider-flood" in parts:
        report_provider_flood(database, uri, options.rounds, options.seconds, folder)


def measure_pages() -> None:
    """Measure the pages, if Chromium is installed."""
    if chromium() is None:
        print(f"The pages are not measured. {INSTALL}")
        return
    with (
        tempfile.TemporaryDirectory() as name,
        running("granian", f"sqlite:///{name}/pages.db", 1) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport=pages.PHONE)
        site = f"http://localhost:{service.url.rpartition(':')[2]}"
        print(f"\n{pages.HEAD}")
        pages.report_pages(context, site, pages.OPEN)
        register(service)
        pages.log_in(context, site, "ada@example.com", PASSWORD)
        pages.report_pages(context, site, pages.OWN)
        browser.close()


if __name__ == "__main__":
    main()
