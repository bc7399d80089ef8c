"""Is this deployment well? One check for each thing that goes wrong, and what to do about it."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import perf_counter
from typing import Literal, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from auth.admin import pruning
from auth.mailing.messages import moment_text
from auth.stores import diagnosis, outbox, totp
from utils.crypto.keys import key_id
from utils.database.migrations import schema_is_outdated
from utils.limits.rate_limits import RedisCounters
from utils.mail.mailers import FileMailer, MailError
from utils.services import Services

State = Literal["ok", "warning", "problem"]
MAX_SKEW = timedelta(seconds=5)
MAX_BACKLOG = timedelta(minutes=15)
PRUNE_EVERY = timedelta(days=2)
FAST_HASH, SLOW_HASH = 0.05, 1.0  # seconds; OWASP wants a hash to cost less than one
ADVISED_LENGTH = 15  # NIST SP 800-63B-4, 3.1.1.2, where a password is all there is
PROBE_TIMEOUT = 3


class Finding(NamedTuple):
    """The state of one thing and, unless it is well, the remedy."""

    check: str
    state: State
    text: str
    advice: str = ""


def examine(services: Services) -> list[Finding]:
    """Return every finding. A deployment is well if none of them is a problem."""
    found = [*_settings(services)]
    database = [*_guarded("database", lambda: _database(services))]
    found += [*database, *_redis(services), *_mailer(services), *_public_url(services), *_hash(services)]
    if all(finding.state != "problem" for finding in database):
        found += [
            *_guarded("clock", lambda: _clock(services)),
            *_guarded("sealed secrets", lambda: _sealed(services)),
            *_guarded("outbox", lambda: _outbox(services)),
        ]
        found += _guarded("pruning", lambda: _pruning(services))
    services.tx().rollback()
    return found


def _guarded(check: str, examined: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from examined()
    except SQLAlchemyError as problem:
        yield Finding(
            check, "problem", f"It cannot be asked ({type(problem).__name__}).", "See DATABASE_URI."
        )


def _settings(services: Services) -> Iterator[Finding]:
    settings = services.settings
    # Unsafe ones never get here: the service does not start on them.
    yield Finding("settings", "ok", f"They and the secrets are usable ({settings.flask_env}).")
    if not settings.production:
        yield Finding("settings", "warning", "This is not production.", "Set FLASK_ENV=production there.")
    if settings.password_min_length < ADVISED_LENGTH:
        yield Finding(
            "settings",
            "warning",
            f"Passwords of {settings.password_min_length} characters are taken.",
            f"NIST advises {ADVISED_LENGTH} where there is no second factor: PASSWORD_MIN_LENGTH.",
        )
    if not settings.pages_enabled and settings.link_reset == f"{settings.public_url}/reset":
        yield Finding(
            "settings",
            "warning",
            "Mailed links lead to pages that are switched off.",
            "Name pages of your own in LINK_RESET and the other LINK_ settings, or unset PAGES_ENABLED.",
        )
    if not settings.rate_limit_enabled:
        yield Finding("settings", "problem", "Rate limits are off.", "Unset RATE_LIMIT_ENABLED.")


def _database(services: Services) -> Iterator[Finding]:
    began = perf_counter()
    if schema_is_outdated(services.tx().connection()):
        yield Finding("database", "problem", "Its schema is old.", "Run: flask --app app db upgrade")
        return
    if services.settings.production and services.settings.database_uri.startswith("sqlite"):
        text = "It is SQLite: one file, on one machine."
        yield Finding(
            "database", "warning", text, "See that it is on a disk that lasts, or set DATABASE_URI."
        )
    took = (perf_counter() - began) * 1000
    yield Finding("database", "ok", f"It answers in {took:.0f} ms, and its schema is up to date.")


def _redis(services: Services) -> Iterator[Finding]:
    if not services.settings.redis_url:
        yield Finding("redis", "ok", "Not used: limits are counted in the database.")
        return
    counters = RedisCounters(services.settings.redis_url)
    try:
        counters.check()
    except Exception as problem:  # noqa: BLE001  (from what is no Redis at all, anything comes)
        yield Finding(
            "redis",
            "problem",
            f"It does not answer ({type(problem).__name__}); each process counts for itself.",
            "See REDIS_URL.",
        )
    else:
        yield Finding("redis", "ok", "It answers.")


def _mailer(services: Services) -> Iterator[Finding]:
    try:
        services.mailer.check()
    except MailError as problem:
        yield Finding("mail", "problem", f"No mail would be taken: {problem}.", "See MAIL_URL.")
        return
    if services.settings.production and isinstance(services.mailer, FileMailer):
        yield Finding(
            "mail", "problem", "Mails are written to files, which nobody reads.", "Set MAIL_URL to a server."
        )
        return
    yield Finding("mail", "ok", "It would be taken.")


def _public_url(services: Services) -> Iterator[Finding]:
    url = services.settings.public_url
    if not services.settings.production:  # which serves this machine only
        yield Finding("public address", "ok", f"{url}, for this machine only.")
        return
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=PROBE_TIMEOUT):  # noqa: S310  (http or https)
            pass
    except (OSError, ValueError) as problem:
        yield Finding(
            "public address",
            "warning",
            f"{url} cannot be reached from here ({_kind(problem)}).",
            "Mails link to it. See PUBLIC_URL, the name's DNS entry, the proxy and its certificate.",
        )
    else:
        yield Finding("public address", "ok", f"{url} answers.")


def _kind(problem: Exception) -> str:
    if isinstance(problem, urllib.error.HTTPError):
        return f"status {problem.code}"
    reason = getattr(problem, "reason", None)
    return type(reason if isinstance(reason, Exception) else problem).__name__


def _hash(services: Services) -> Iterator[Finding]:
    began = perf_counter()
    services.hasher.hash("a password of usual length")
    took = perf_counter() - began
    text = f"One takes {took * 1000:.0f} ms here: about {1 / took:.1f} log-ins a second and core."
    if took < FAST_HASH and services.settings.production:
        yield Finding("password hash", "warning", text, "That is fast for a thief too: PASSWORD_HASH_METHOD.")
    elif took > SLOW_HASH:
        yield Finding("password hash", "warning", text, "Over a second: give it faster cores.")
    else:
        yield Finding("password hash", "ok", text)


def _clock(services: Services) -> Iterator[Finding]:
    theirs = diagnosis.database_time(services.tx())
    skew = abs(theirs - services.clock.now()) if theirs else timedelta(0)
    if skew > MAX_SKEW:
        text = f"It differs from the database's by {skew.total_seconds():.0f} s."
        yield Finding("clock", "problem", text, "Let a time service set both.")
    else:
        yield Finding("clock", "ok", "It agrees with the database's.")


def _sealed(services: Services) -> Iterator[Finding]:
    key = key_id(services.config["SECRET_KEY"])
    known = {key, *map(key_id, services.settings.flask_previous_secret_keys)}
    counts = totp.counts_by_key(services.tx())
    lost = sum(count for name, count in counts.items() if name not in known)
    old = sum(counts.values()) - counts.get(key, 0) - lost
    if lost:
        text = f"The key of {lost} authenticator apps is gone: their codes are refused."
        yield Finding("sealed secrets", "problem", text, "Put it back into FLASK_PREVIOUS_SECRET_KEYS.")
    elif old:
        text = f"{old} are sealed under a previous key."
        yield Finding("sealed secrets", "warning", text, "Run: flask --app app auth reseal")
    else:
        yield Finding("sealed secrets", "ok", f"{sum(counts.values())}, all under the present key.")


def _outbox(services: Services) -> Iterator[Finding]:
    tx, now = services.tx(), services.clock.now()
    waiting, since = outbox.waiting(tx)
    lost = outbox.given_up_since(tx, now - timedelta(days=1))
    if since and now - since > MAX_BACKLOG:
        yield Finding(
            "outbox",
            "problem",
            f"{waiting} wait, the oldest since {moment_text(since)}.",
            "See whether a process serves, or `deliver-mail --watch` runs, and the mail check above.",
        )
    elif lost:
        yield Finding(
            "outbox",
            "warning",
            f"In the last 24 hours {lost} mail{'s were' if lost > 1 else ' was'} given up.",
            "See `explain`.",
        )
    else:
        yield Finding("outbox", "ok", f"{waiting} wait, none for long.")


def _pruning(services: Services) -> Iterator[Finding]:
    tx, now = services.tx(), services.clock.now()
    last = diagnosis.last_pruned(tx)
    over = [
        growing.table
        for growing in pruning.growing(services)
        # Deleted here, and brought back by the rollback: this asks exactly what `prune` would do.
        if growing.prune_slice(tx, growing.before - PRUNE_EVERY, 1)
    ]
    tx.rollback()
    if over:
        when = f"since {moment_text(last)}" if last and now - last < timedelta(days=365) else "lately"
        text = f"Nobody has pruned {when}: {', '.join(over)} hold what is over."
        yield Finding("pruning", "problem", text, "Run `flask --app app auth prune` daily.")
    else:
        yield Finding("pruning", "ok", "Nothing that is over is kept.")
