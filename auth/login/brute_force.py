"""Brute-force protection: who attempts a login, the limits that count for it, failures in a row."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from auth import tokens
from auth.account_state import Use, refusal
from auth.events import Event, LinkPurpose
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from auth.passwords import check
from auth.stores import audit, known_devices, outbox, users
from models import Account
from utils.client_info import ClientInfo
from utils.limits.rate_limits import CountCall, Subjects
from utils.services import Services

MAIL = "guessing"
DAY = timedelta(days=1)
SUSPICIOUS_FAILURES = 10  # wrong passwords in a row before the right one


class AttemptSource(NamedTuple):
    """Where an attempt comes from: the known device, if it is one, and its failures in a row."""

    device_id: UUID | None
    failures: int

    @property
    def is_shut_out(self) -> bool:
        return self.failures >= check.MAX_FAILURES


def attempt(
    services: Services, tx: Session, login: str, token: str | None, client: ClientInfo, count: CountCall
) -> tuple[Account | None, AttemptSource]:
    """Return the account of this name or address, if there is one, and the source of the attempt.

    Counts the attempt for the device if that very account knows it, and else for the network: the neighbours
    of its owner cannot shut it out, and it lends its exemption to no other account. Runs the same statements
    for unknown names. Raises `TooManyRequests`.
    """
    device_id = count_network(services, token, client, count)
    account = users.by_login(tx, login)
    if device_id is None:
        return account, AttemptSource(None, account.failures if account else 0)
    failures = count_device(tx, account.id if account else 0, device_id, client, count)
    if failures is not None:
        return account, AttemptSource(device_id, failures)
    return account, AttemptSource(None, account.failures if account else 0)


def known_source(services: Services, account: Account, token: str | None) -> AttemptSource:
    """Return the source of a login that is not counted as an attempt, as it was proven by a mailed link."""
    device_id = tokens.read_device_token(services, token)
    failures = known_devices.failures(services.tx(), account.id, device_id) if device_id else None
    if failures is None:
        return AttemptSource(None, account.failures)
    return AttemptSource(device_id, failures)


def count_network(services: Services, token: str | None, client: ClientInfo, count: CountCall) -> UUID | None:
    """Count a step of a login for its network, before anything is read; return the id of its device token.

    With a token the limit is ten times as large, as `count_device` applies another one. It keeps the calls of
    known devices from being unlimited. Raises `TooManyRequests`.
    """
    device_id = tokens.read_device_token(services, token)
    if device_id is None:
        count("login", client.subjects)
    else:
        count("login-with-device", client.subjects, visible=False)
    return device_id


def count_device(
    tx: Session, user_id: int, device_id: UUID, client: ClientInfo, count: CountCall
) -> int | None:
    """Count a step of a login for a device that the account knows; return its wrong passwords in a row.

    A step from any other device is counted for the network, and None is returned. Raises `TooManyRequests`.
    """
    failures = known_devices.failures(tx, user_id, device_id)
    tx.rollback()  # a refusal is delayed
    # Neither count is visible: with one call the headers would tell who has logged in from a shared browser.
    if failures is not None:
        count("login-device", f"user-{user_id}-{device_id.hex}", visible=False)
    else:
        count("login", client.subjects, visible=False)
    return failures


def count_attempt(services: Services, login: str, who: AttemptSource, client: ClientInfo) -> None:
    """Count the attempt of an unknown device before anything is hashed. Raises `TooManyRequests`.

    By what was typed, known or not: a count shared by name and address would reveal which address belongs to
    the name.
    """
    if who.device_id:  # counted by `count_device` only
        return
    digest = login_digest(services, login)
    limits: list[tuple[str, Subjects]] = [
        ("login-pair", [each._replace(key=f"{digest}-{each.key}") for each in client.subjects]),
        ("login-account", digest),
        ("login-day", client.subjects),
    ]
    # A refusal by one policy must not consume the quota of another: a refused network must not use up the
    # quota of the name.
    for name, subject in limits:
        standing = services.limiter.peek(name, subject)
        if standing and standing.remaining == 0:
            services.limiter.check(name, subject, visible=False)
    for name, subject in limits:
        services.limiter.check(name, subject, visible=False)


def record_failure(
    services: Services, tx: Session, account: Account | None, who: AttemptSource, client: ClientInfo
) -> None:
    """Record a wrong password. At most once a day, mail the owner that unknown devices are refused."""
    user_id = account.id if account else 0
    if who.device_id:
        known_devices.count_failure(tx, user_id, who.device_id)
        return
    failures = users.count_failure(tx, user_id)
    now = services.clock.now()
    if account is None or failures is None or failures < check.MAX_FAILURES:
        return
    if refusal(account, Use.WARN_OF_BRUTE_FORCE) or outbox.written_since(tx, user_id, MAIL, now - DAY):
        return
    links.send_link(services, tx, account, LinkPurpose.RESET, MAIL, {}, limit=Limit.SECURITY_NOTICE)
    audit.append(tx, Event.STRANGERS_SHUT_OUT, now, client, user_id=user_id)


def warn_of_success(
    services: Services,
    tx: Session,
    account: Account,
    who: AttemptSource,
    client: ClientInfo,
    *,
    is_complete: bool,
) -> None:
    """Mail the owner of the right password after many wrong ones from the same source (ASVS 6.3.5).

    A completed login from an unknown device has a mail of its own.
    """
    if who.failures < SUSPICIOUS_FAILURES or (is_complete and not who.device_id):
        return
    facts = messages.client_facts(client, services.clock.now())
    facts |= {"new_device": "" if who.device_id else "yes"}
    template, limit = "sign_in_after_failures", Limit.NOTIFICATION
    links.send_link(services, tx, account, LinkPurpose.DISOWN, template, facts, limit=limit)


def reset_failures(tx: Session, account: Account, who: AttemptSource) -> bool:
    """Reset the failures of this source only; False if it reached the limit meanwhile."""
    if who.device_id:
        return known_devices.reset_failures(tx, account.id, who.device_id, check.MAX_FAILURES)
    return users.reset_failures(tx, account.id, check.MAX_FAILURES)


def login_digest(services: Services, login: str) -> str:
    """Return the keyed digest that may be stored of a typed name or address. People type passwords there."""
    return tokens.login_digest(services, users.login_key(login))
