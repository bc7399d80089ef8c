"""The operator guide against the code and deploy/: commands, alerts, limits, retention, secret files."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from app import create_app
from auth.admin import account_expiry, pruning
from auth.events import LinkPurpose
from auth.factors import resets
from auth.mailing.links import LIFETIMES
from auth.revocation import usernames
from tests.docs.test_documentation import DEFAULTS
from tests.support.architecture import ROOT
from tests.support.commands import commands_of
from tests.support.documents import code_in, read, table_rows
from tests.support.service import FixedClock
from utils import challenges
from utils.database import deadlines, engine, postgres
from utils.database.readiness import READY_TIMEOUT
from utils.limits import counters
from utils.limits.refusal_delay import MAX_DELAYED
from utils.mail import mailers
from utils.passwords import hash_limiter, leaked
from utils.services import services
from utils.serving import server
from utils.web.http import MAX_BODY

GUIDE = read("docs/guides/operator.md")
DEPLOY = ROOT / "deploy"


def test_guide_lists_every_command() -> None:
    named = [code.split()[0] for row in table_rows(GUIDE, "command", "effect") for code in code_in(row[0])]
    assert sorted(name for name in named if name[0] != "-") == sorted(commands_of())


def test_guide_has_a_first_look_for_every_alert() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
    named = [name for row in table_rows(GUIDE, "alert", "first look") for name in code_in(row[0])]
    assert sorted(named) == sorted(rule["alert"] for group in groups for rule in group["rules"])


def haproxy(directive: str) -> str:
    """Return the value of a directive of the example configuration, which has it once."""
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text("utf-8")
    found = re.findall(rf"^ +{directive} (\d+)", text, re.MULTILINE)
    assert len(found) == 1, directive
    return str(found[0])


def test_guide_states_the_limits_of_the_code() -> None:
    stated = {row[0].partition(";")[0]: row[1] for row in table_rows(GUIDE, "what", "value")}
    assert engine.POOL_TIMEOUT == deadlines.CONNECT_TIMEOUT
    proxied = [haproxy(f"timeout {name}") for name in ("connect", "server", "queue", "http-request")]
    expected = {
        "request headers": f"{server.HEADER_TIMEOUT} s, buffer of {server.MAX_HEADERS // 1024} KiB",
        "body": f"{MAX_BODY // 1024} KiB",
        "Postgres connection: wait, connect": f"{engine.POOL_TIMEOUT} s each; "
        f"{postgres.LAST_ATTEMPT + deadlines.CONNECT_TIMEOUT:g} s to connect",
        "Postgres statement, lock, answer": f"{deadlines.STATEMENT_TIMEOUT} s, "
        f"{deadlines.STATEMENT_TIMEOUT} s, {deadlines.ANSWER_TIMEOUT} s",
        "SQLite connection: wait, lock": f"{engine.BUSY_TIMEOUT} s each",
        "age of a database connection": f"{engine.MAX_CONNECTION_AGE} s",
        "readiness": f"{READY_TIMEOUT} s",
        "password hash: wait": f"{hash_limiter.MAX_WAIT:g} s, {hash_limiter.MAX_WAITING} callers a process",
        "Redis: connect, answer": f"{counters.REDIS_TIMEOUT} s each; "
        f"asked again after {counters.REDIS_PAUSE.seconds} s",
        "mail server": f"{mailers.SMTP_TIMEOUT} s an answer, {mailers.SMTP_DEADLINE} s in all",
        "leaked passwords": f"{leaked.DEADLINE:g} s after name resolution, {leaked.MAX_ANSWER >> 20} MiB",
        "challenge server": f"{challenges.DEADLINE:g} s after name resolution, "
        f"{challenges.MAX_ANSWER >> 10} KiB",
        "threads of a process": f"{server.THREADS}: {engine.POOL_SIZE} for the database, "
        f"{hash_limiter.MAX_WAITING} wait for a hash, {MAX_DELAYED} delayed refusals",
        "stop": f"{server.STOP_TIMEOUT} s for calls in flight",
        "HAProxy: connect, answer, queue, request": " s, ".join(proxied) + " s",
    }
    assert {name: stated[name][: len(value)] for name, value in expected.items()} == expected
    assert f"at most {haproxy('default-server .* maxconn')} such calls reach" in GUIDE
    assert f"opens at most {engine.POOL_SIZE} connections" in GUIDE


@pytest.fixture
def ages() -> dict[str, int]:
    """Return after how many days `prune` deletes rows, by table, with the default settings."""
    clock = FixedClock(datetime(2026, 11, 28, tzinfo=UTC))
    with create_app("testing", clock=clock).app_context():
        now = clock.now()
        return {growing.table: (now - growing.before).days for growing in pruning.growing(services())}


def test_data_reference_states_when_rows_are_pruned(ages: dict[str, int]) -> None:
    days = {
        row[0]: [int(n) for n in re.findall(r"(\d+) days?", row[1])]
        for row in table_rows(read("docs/reference/data.md"), "rows", "after")
    }
    assert ages["one_time_tokens"] == ages["outbox"]
    assert days == {
        "ended or expired sessions": [ages["sessions"]],
        "audit events": [ages["audit_events"]],
        "used or expired links; sent or given up mails": [ages["outbox"]],
        "expired or revoked API tokens": [ages["api_tokens"]],
        "expired authorization codes": [ages["oauth_codes"]],
        "ended or expired access of apps": [ages["oauth_grants"]],
        "logout notices, sent or not": [ages["oauth_notices"]],
        "refused calls of clients": [ages["oauth_refusals"]],
        "secrets of clients": [],
        "used or expired challenges": [ages["challenges"]],
        "devices not seen": [ages["known_devices"]],
        "rate-limit windows": [],
        "leases that were not given back": [ages["leases"]],
        "signing keys": [ages["signing_keys"]],
        "digests of user names that were given up": [usernames.KEPT_FOR.days],
        'second factors, after `reset-factors`, `lock-out` or "this wasn\'t me"': [resets.DELAY.days],
        "accounts that their owner or an operator closed": [LIFETIMES[LinkPurpose.RESTORE].days],
        (
            "unconfirmed accounts unused after the first day; with `REQUIRE_VERIFIED_EMAIL` used ones, "
            "too; held names"
        ): [account_expiry.UNCONFIRMED_FOR.days],
    }


def test_guide_keeps_an_old_key_as_long_as_its_tokens_live() -> None:
    longest = max(DEFAULTS.session_idle_lifetime, DEFAULTS.remembered_idle_lifetime) // 86400
    text = " ".join(GUIDE.split())
    assert f"the longer idle lifetime (`REMEMBERED_IDLE_LIFETIME`, {longest} days by default)" in text
    assert f"at least {max(LIFETIMES.values()).days} days for mailed links" in text


def test_secret_files_have_the_documented_modes(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    subprocess.run(["sh", str(DEPLOY / "make-secrets.sh"), str(folder)], check=True)
    assert f"{folder.stat().st_mode & 0o777:04o}" == "0700"
    assert {f"{path.stat().st_mode & 0o777:04o}" for path in folder.iterdir()} == {"0444"}
    files = [DEPLOY / "make-secrets.sh", DEPLOY / "compose.yaml", *(DEPLOY / "systemd").iterdir()]
    comments = [line for path in files for line in path.read_text("utf-8").splitlines() if line[:1] == "#"]
    for text in (GUIDE, "\n".join(comments)):
        assert set(re.findall(r"\b0[0-7]{3}\b", text)) == {"0700", "0444"}
