"""`flask auth doctor`: checks of a deployment, with advice for each problem."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from pathlib import Path
from time import perf_counter

from sqlalchemy.exc import SQLAlchemyError

from auth.admin import (
    address_probe,
    administrators,
    imported_passwords,
    pruning,
    secret_files,
    transport,
)
from auth.admin.finding import Finding
from auth.mailing.messages import moment_text
from auth.stores import diagnosis, outbox, totp
from config import Settings, environment
from utils.crypto.keys import key_id
from utils.database.migrations import schema_is_outdated
from utils.errors import TokenMissing
from utils.limits.counters import RedisCounters
from utils.mail.mailers import FileMailer, MailError
from utils.services import Services

MAX_SKEW = timedelta(seconds=5)
MAX_BACKLOG = timedelta(minutes=15)
PRUNE_EVERY = timedelta(days=2)
FAST_HASH, SLOW_HASH = 0.05, 1.0  # seconds; OWASP: a hash should take less than one
ADVISED_LENGTH = 15  # NIST SP 800-63B-4, 3.1.1.2, for passwords as the only factor
PROBE_TIMEOUT = 3


def examine(services: Services, probed_url: str | None = None) -> list[Finding]:
    """Return the findings of all checks. Forged addresses are sent to `probed_url`, if it is given."""
    found = [*_settings(services), *transport.examine(services.settings), *_secret_files(services)]
    database = [*_reporting_errors("database", lambda: _database(services))]
    found += [*database, *_redis(services), *_mailer(services), *_public_url(services), *_hash(services)]
    if all(finding.state != "problem" for finding in database):
        found += [
            *_reporting_errors("clock", lambda: _clock(services)),
            *_reporting_errors("sealed secrets", lambda: _encrypted_secrets(services)),
            *_reporting_errors(administrators.CHECK, lambda: administrators.examine(services)),
            *_reporting_errors("outbox", lambda: _outbox(services)),
            *_reporting_errors(imported_passwords.CHECK, lambda: imported_passwords.examine(services)),
            *_reporting_errors("provider", lambda: services.upkeep.findings(services)),
        ]
        found += _reporting_errors("pruning", lambda: _pruning(services))
        if probed_url:
            probe = partial(address_probe.probe, services, probed_url)
            found += _reporting_errors(address_probe.CHECK, probe)
    services.tx().rollback()
    return found


def _reporting_errors(check: str, examined: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from examined()
    except SQLAlchemyError as problem:
        yield Finding(check, "problem", f"The query failed ({type(problem).__name__}).", "See DATABASE_URI.")


def _settings(services: Services) -> Iterator[Finding]:
    settings = services.settings
    # The service does not start with unsafe settings.
    yield Finding("settings", "ok", f"The settings and secrets are valid ({settings.flask_env}).")
    if not settings.production:
        yield Finding(
            "settings",
            "warning",
            "This is not a production environment.",
            "Set FLASK_ENV=production in production.",
        )
    if settings.password_min_length < ADVISED_LENGTH:
        yield Finding(
            "settings",
            "warning",
            f"Passwords of {settings.password_min_length} characters are accepted.",
            f"NIST advises {ADVISED_LENGTH} without a second factor: set PASSWORD_MIN_LENGTH.",
        )
    if not settings.pages_enabled and settings.link_reset == f"{settings.public_url}/reset":
        yield Finding(
            "settings",
            "warning",
            "Mailed links lead to pages that are not served.",
            "Set LINK_RESET and the other LINK_ settings to your own pages, or unset PAGES_ENABLED.",
        )
    yield from _returns(settings)
    if settings.has_idle_challenge:
        yield Finding(
            "settings",
            "warning",
            "PROOF_OF_WORK or CHALLENGE_URL is set, and no ceiling asks for it.",
            "Set REGISTRATION_CEILING or UNPROVEN_MAIL_CEILING, or unset the challenge.",
        )
    if not settings.rate_limit_enabled:
        yield Finding("settings", "problem", "Rate limits are off.", "Unset RATE_LIMIT_ENABLED.")


def _returns(settings: Settings) -> Iterator[Finding]:
    """Check what the start does not refuse of the settings for return addresses."""
    if settings.verify_cookie and not settings.return_origins:
        text = "VERIFY_COOKIE is set without RETURN_ORIGINS: guarded sites send no person to the login."
        yield Finding("settings", "warning", text, "Set RETURN_ORIGINS to the origins of these sites.")
    if settings.return_origins and not settings.pages_enabled:
        text = "RETURN_ORIGINS is set, and the login page that leads there is not served."
        yield Finding("settings", "warning", text, "Unset PAGES_ENABLED, or serve /login below PUBLIC_URL.")


def _secret_files(services: Services) -> Iterator[Finding]:
    engine = services.tx().get_bind()
    is_sqlite = engine.dialect.name == "sqlite"
    database = engine.engine.url.database if is_sqlite else None
    return secret_files.examine(environment(), database, Path(".env"))


def _database(services: Services) -> Iterator[Finding]:
    began = perf_counter()
    if schema_is_outdated(services.tx().connection()):
        yield Finding(
            "database", "problem", "The schema lacks migrations.", "Run: flask --app app db upgrade"
        )
        return
    if services.settings.production and services.settings.database_uri.startswith("sqlite"):
        text = "SQLite is one file on one machine."
        yield Finding(
            "database", "warning", text, "Make sure that its disk is persistent, or set DATABASE_URI."
        )
    took = (perf_counter() - began) * 1000
    yield Finding("database", "ok", f"The database answers in {took:.0f} ms; the schema is up to date.")


def _redis(services: Services) -> Iterator[Finding]:
    if not services.settings.redis_url:
        yield Finding("redis", "ok", "Not used; rate limits are counted in the database.")
        return
    counters = RedisCounters(services.settings.redis_url)
    try:
        counters.check()
    except Exception as problem:  # noqa: BLE001  (another kind of server can cause any exception)
        yield Finding(
            "redis",
            "problem",
            f"Redis does not answer ({type(problem).__name__}); each process counts for itself.",
            "See REDIS_URL.",
        )
    else:
        yield Finding("redis", "ok", "Redis answers.")


def _mailer(services: Services) -> Iterator[Finding]:
    try:
        services.mailer.check()
    except MailError as problem:
        yield Finding("mail", "problem", f"Mail cannot be sent: {problem}.", "See MAIL_URL.")
        return
    if services.settings.production and isinstance(services.mailer, FileMailer):
        yield Finding(
            "mail", "problem", "Mails are written to files and not sent.", "Set MAIL_URL to a server."
        )
        return
    yield Finding("mail", "ok", "Mail can be sent.")


def _public_url(services: Services) -> Iterator[Finding]:
    url = services.settings.public_url
    if not services.settings.production:  # it is served on this machine only
        yield Finding("public address", "ok", f"{url}, on this machine only.")
        return
    if fault := fault_of_public_url(url):
        yield Finding(
            "public address",
            "warning",
            f"This service cannot be reached at {url} from here ({fault}).",
            "Mails link to it. Check PUBLIC_URL, the DNS entry, the proxy and its certificate.",
        )
    else:
        yield Finding("public address", "ok", f"{url} answers.")


def fault_of_public_url(url: str) -> str | None:
    """Return why this service does not answer at `url`, or None if it does.

    Calls `/auth/me` without a token, which must be a 401 of this service: proxies close `/health/live`.
    """
    try:
        with urllib.request.urlopen(f"{url}/auth/me", timeout=PROBE_TIMEOUT) as answer:  # noqa: S310  (http or https)
            return f"status {answer.status}"
    except urllib.error.HTTPError as refusal:
        with refusal:
            is_ours = refusal.code == 401 and refusal.headers["WWW-Authenticate"] == TokenMissing.challenge
            return None if is_ours else f"status {refusal.code}"
    except (OSError, ValueError, HTTPException) as problem:
        reason = getattr(problem, "reason", None)
        return type(reason if isinstance(reason, Exception) else problem).__name__


def _hash(services: Services) -> Iterator[Finding]:
    began = perf_counter()
    services.hasher.hash("a password of usual length")
    took = perf_counter() - began
    text = f"A hash takes {took * 1000:.0f} ms: about {1 / took:.1f} logins per second and core."
    if took < FAST_HASH and services.settings.production:
        yield Finding(
            "password hash",
            "warning",
            text,
            "It is too fast against offline attacks: set PASSWORD_HASH_METHOD.",
        )
    elif took > SLOW_HASH:
        yield Finding("password hash", "warning", text, "It takes over a second: use faster cores.")
    else:
        yield Finding("password hash", "ok", text)


def _clock(services: Services) -> Iterator[Finding]:
    theirs = diagnosis.database_time(services.tx())
    skew = abs(theirs - services.clock.now()) if theirs else timedelta(0)
    if skew > MAX_SKEW:
        text = f"The clock differs from the database's by {skew.total_seconds():.0f} s."
        yield Finding("clock", "problem", text, "Synchronize both clocks (NTP).")
    else:
        yield Finding("clock", "ok", "The clock agrees with the database's.")


def _encrypted_secrets(services: Services) -> Iterator[Finding]:
    key = key_id(services.config["SECRET_KEY"])
    known = {key, *map(key_id, services.settings.flask_previous_secret_keys)}
    counts = totp.counts_by_key(services.tx())
    lost = sum(count for name, count in counts.items() if name not in known)
    old = sum(counts.values()) - counts.get(key, 0) - lost
    if lost:
        text = f"The key of {lost} TOTP secrets is missing: their codes are refused."
        yield Finding("sealed secrets", "problem", text, "Add it to FLASK_PREVIOUS_SECRET_KEYS.")
    elif old:
        text = f"{old} TOTP secrets are encrypted under a previous key."
        yield Finding("sealed secrets", "warning", text, "Run: flask --app app auth reseal")
    else:
        yield Finding(
            "sealed secrets",
            "ok",
            f"{sum(counts.values())} TOTP secrets, all encrypted under the current key.",
        )


def _outbox(services: Services) -> Iterator[Finding]:
    tx, now = services.tx(), services.clock.now()
    waiting, since = outbox.waiting(tx)
    lost = outbox.given_up_since(tx, now - timedelta(days=1))
    if since and now - since > MAX_BACKLOG:
        yield Finding(
            "outbox",
            "problem",
            f"{waiting} mails are waiting, the oldest since {moment_text(since)}.",
            "Check that a process serves or `deliver-mail --watch` runs, and the mail check above.",
        )
    elif lost:
        yield Finding(
            "outbox",
            "warning",
            f"In the last 24 hours {lost} mail{'s were' if lost > 1 else ' was'} given up.",
            "See `explain`.",
        )
    else:
        yield Finding("outbox", "ok", f"{waiting} mails are waiting, none for long.")


def _pruning(services: Services) -> Iterator[Finding]:
    tx, now = services.tx(), services.clock.now()
    last = diagnosis.last_pruned(tx)
    over = [
        growing.table
        for growing in pruning.growing(services)
        # Deleted here and restored by the rollback, to run the same statement as `prune`.
        if growing.prune_some(tx, growing.before - PRUNE_EVERY, 1)
    ]
    tx.rollback()
    if over:
        when = f"since {moment_text(last)}" if last and now - last < timedelta(days=365) else "recently"
        text = (
            f"`prune` has not run {when}, and the service does not keep up: "
            f"{', '.join(over)} contain rows that expired more than 2 days ago."
        )
        advice = "Look for `pruning interrupted` in the logs; run `flask --app app auth prune` daily."
        yield Finding("pruning", "problem", text, advice)
    else:
        yield Finding("pruning", "ok", "No row expired more than 2 days ago.")
