"""Break one rule at a time and check that its test fails: `make sabotage`, or `... NAME` for some.

Each sabotage is a change of one place, made in a copy of the project, where the named test must fail. A test
that passes there does not protect its rule, and neither does one that never ran.
"""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sabotage import Sabotage
from tests.sabotage.api_tokens import API_TOKENS
from tests.sabotage.authorization import AUTHORIZATION
from tests.sabotage.brand import BRANDS
from tests.sabotage.data import DATA
from tests.sabotage.databases import DATABASES
from tests.sabotage.deployment import DEPLOYMENT
from tests.sabotage.factors import FACTORS
from tests.sabotage.guards import GUARDS
from tests.sabotage.javascript_client import JAVASCRIPT_CLIENT
from tests.sabotage.languages import LANGUAGES
from tests.sabotage.layout_shift import LAYOUT_SHIFT
from tests.sabotage.limits import LIMITS
from tests.sabotage.messages import MESSAGES
from tests.sabotage.oauth_apps import OAUTH_APPS
from tests.sabotage.oauth_authorize import OAUTH_AUTHORIZE
from tests.sabotage.oauth_clients import OAUTH_CLIENTS
from tests.sabotage.oauth_ending import OAUTH_ENDING
from tests.sabotage.oauth_keys import OAUTH_KEYS
from tests.sabotage.oauth_token import OAUTH_TOKEN
from tests.sabotage.operators import OPERATORS
from tests.sabotage.own_modules import OWN_MODULES
from tests.sabotage.records import RECORDS
from tests.sabotage.requests import REQUESTS
from tests.sabotage.returns import RETURNS
from tests.sabotage.screens import SCREENS
from tests.sabotage.security import SECURITY
from tests.sabotage.sign_ups import SIGN_UPS
from tests.sabotage.transfer import TRANSFER
from tests.support.project import copy_project

AT_ONCE = 2
FAILED, PASSED = 1, 0  # pytest's exit codes


def outcome(sabotage: Sabotage) -> str:
    """Return caught, missed, or why the sabotage could not be made."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = copy_project(Path(folder))
        file = copy / sabotage.file
        text = file.read_text()
        if text.count(sabotage.old) != 1:
            return f"stale: {text.count(sabotage.old)} places in {sabotage.file}"
        file.write_text(text.replace(sabotage.old, sabotage.new))
        module, _, test = sabotage.test.partition("::")
        found = [*(copy / "tests").rglob(module)]
        if len(found) != 1:
            return f"stale: no single {module}"
        run = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider"]
        run += ["--timeout=300", f"{found[0]}::{test}"]
        code = subprocess.run(run, cwd=copy, capture_output=True, text=True, check=False).returncode
        return {FAILED: "caught", PASSED: "MISSED"}.get(code, f"stale: pytest's exit code is {code}")


def main(names: list[str]) -> int:
    groups = (
        *(SECURITY, SIGN_UPS, AUTHORIZATION, API_TOKENS, GUARDS, FACTORS, LIMITS, DATA, RECORDS, OPERATORS),
        *(
            DATABASES,
            REQUESTS,
            RETURNS,
            DEPLOYMENT,
            SCREENS,
            LANGUAGES,
            MESSAGES,
            BRANDS,
            JAVASCRIPT_CLIENT,
            LAYOUT_SHIFT,
            TRANSFER,
            OWN_MODULES,
        ),
        *(
            OAUTH_APPS,
            OAUTH_KEYS,
            OAUTH_TOKEN,
            OAUTH_AUTHORIZE,
            OAUTH_CLIENTS,
            OAUTH_ENDING,
        ),
    )
    every = [each for group in groups for each in group]
    chosen = [each for each in every if not names or each.name in names]
    began, bad = time.monotonic(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for sabotage, word in zip(chosen, pool.map(outcome, chosen), strict=True):
            bad += word != "caught"
            print(f"{word:8} {sabotage.name}: {sabotage.test}", flush=True)  # noqa: T201
    print(f"{len(chosen) - bad} of {len(chosen)} caught in {time.monotonic() - began:.0f} s")  # noqa: T201
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
