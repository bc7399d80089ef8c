"""`flask auth explain`: why the owner of an account can or cannot log in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auth import tokens
from auth.account_state import Use, refusal
from auth.admin import account_expiry
from auth.errors import UserNotFound
from auth.event_texts import event_text
from auth.events import Event, Refusal
from auth.factors import totp_guesses
from auth.factors.verification import MAX_TRIES
from auth.login import brute_force
from auth.mailing.messages import moment_text
from auth.passwords import check
from auth.roles.actors import Operator, find, record
from auth.stores import api_tokens, audit, one_time_tokens, outbox, passkeys, roles, second_factors
from models import Account, AuditEvent, OutgoingMail
from utils.passwords import foreign_hashes
from utils.permissions import is_of_service
from utils.services import Services

SHOWN_EVENTS = 10
SHOWN_MAILS = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the account can log in, and the reasons."""

    account: Account
    can_log_in: bool
    findings: Sequence[str]
    events: Sequence[str]


def explain(services: Services, login: str, operator: Operator) -> Explanation:
    """Explain why an account can or cannot log in, and what happened last.

    Raises `UserNotFound`; its message says whether an account had the address in the last 72 hours.
    """
    tx = services.tx()
    try:
        account = find(services, login)
    except UserNotFound:
        if "@" in login and one_time_tokens.address_is_reserved(tx, login, None, services.clock.now()):
            raise UserNotFound(
                "No account has this address now. One had it within the last 72 hours, and may take it back."
            ) from None
        raise
    record(services, Event.ACCOUNT_SHOWN, operator, user_id=account.id)
    tx.commit()
    events = audit.page(tx, account.id, None, SHOWN_MAILS)
    against = [*_against(services, account)]
    findings = against or [_opened_by(services, account)]
    findings += _foreign_hash(services, account)
    findings += _blocked_totp(services, account)
    findings += _reset_of_factors(account)
    findings += _expiry(services, account)
    findings += _wrong_passwords(events)
    findings += _roles(services, account)
    findings += _api_tokens(services, account)
    findings += services.upkeep.explain(services, account.id)
    findings += _mail_troubles(outbox.of_user(tx, account.id, SHOWN_MAILS))
    return Explanation(account, not against, findings, [_line(row) for row in events[:SHOWN_EVENTS]])


UNREADABLE = (
    "Its stored password hash cannot be read, or costs too much to check: no password opens it. "
    "`send-reset` mails a link that sets a new one."
)


def _is_unreadable(services: Services, account: Account) -> bool:
    return account.password_hash is not None and not services.hasher.is_readable(account.password_hash)


def _opened_by(services: Services, account: Account) -> str:
    if _is_unreadable(services, account):
        return f"A passkey opens this account. {UNREADABLE}"
    if account.password_hash is None:
        return "A passkey opens this account; it has no password. `send-reset` mails a link that sets one."
    if account.two_factor_at is None and services.settings.require_second_factor:
        return "The right password only allows setting up a second factor, which is required."
    if account.two_factor_at is None:
        return "The right password opens this account."
    since, left = moment_text(account.two_factor_at), account.recovery_codes_left
    return f"The right password and a code open this account (since {since}; {left} recovery codes left)."


def _foreign_hash(services: Services, account: Account) -> list[str]:
    kind = foreign_hashes.kind(account.password_hash or "")
    if kind is None:
        return []
    next_login = "" if _is_unreadable(services, account) else " The next login replaces it."
    return [f"Its password hash is of another system ({kind}).{next_login}"]


def _blocked_totp(services: Services, account: Account) -> list[str]:
    tx = services.tx()
    wrong, devices = totp_guesses.wrong_in_a_row(tx, account.id), totp_guesses.blocked_devices(tx, account.id)
    sources = [f"{devices} known device{'s' if devices > 1 else ''}"] if devices else []
    if wrong >= totp_guesses.MAX_WRONG:
        sources.append("devices that have not logged in with a second factor")
    if not sources:
        return []
    told = (
        f"{totp_guesses.MAX_WRONG} wrong authenticator codes in a row came from {' and from '.join(sources)}"
    )
    ways = "A recovery code, a passkey, or a code from elsewhere ends it; so does `unblock-totp`."
    return [f"{told}: codes from there are refused. {ways}"]


def _reset_of_factors(account: Account) -> list[str]:
    if account.factors_reset_due_at is None:
        return []
    due = moment_text(account.factors_reset_due_at)
    return [f"Its second factors will be removed at {due}. `reset-factors --stop` cancels that."]


def _api_tokens(services: Services, account: Account) -> list[str]:
    live = api_tokens.live_names(services.tx(), account.id, services.clock.now())
    if not live:
        return []
    if refusal(account, Use.CALL_WITH_API_TOKEN):
        return [f"API tokens: {len(live)}, refused until the account can be used again."]
    if not services.settings.api_tokens_enabled:
        return [f"API tokens: {len(live)}, refused because API_TOKENS_ENABLED is false."]
    if tokens.needs_enrollment(services, account):
        return [f"API tokens: {len(live)}, refused until it has a second factor, which is required."]
    return [f"API tokens: {len(live)}, which work without a login. `tokens` lists them."]


def _expiry(services: Services, account: Account) -> list[str]:
    if (end := account_expiry.end_of_unconfirmed(services, account)) is None:
        return []
    why, prevented_by = "Its address was never confirmed", "its address is confirmed"
    if not end.must_confirm:
        why = f"{why}, and it was not used after its first day"
        prevented_by = f"it is used or {prevented_by}"
    return [f"{why}. It is erased after {moment_text(end.at)}, unless {prevented_by} before."]


def _against(services: Services, account: Account) -> Iterator[str]:
    """Return what keeps the right password from opening the account, and the remedy for each."""
    if not account.email:
        yield (
            "This account only holds its name: it was registered with the address of another account. "
            "Logins are impossible, and it is deleted automatically."
        )
        return
    if account.disabled_at:
        yield f"An operator disabled it on {moment_text(account.disabled_at)}. `enable` enables it."
    if account.deletion_due_at:
        yield (
            "It was closed by its owner or an operator, and "
            f"it will be erased at {moment_text(account.deletion_due_at)}. `restore` keeps it, and so does "
            'the mailed link; "forgot password" mails that link again.'
        )
    if account.password_blocked_at:
        yield (
            f"The password is blocked since {moment_text(account.password_blocked_at)}, because its "
            "owner, or an operator, said that another person was in the account. `send-reset` mails "
            "a link for a new one."
        )
    if _is_unreadable(services, account) and not passkeys.count(services.tx(), account.id):
        yield UNREADABLE
    if account.password_hash is None and not passkeys.count(services.tx(), account.id):
        yield "It has no password and no passkey. `send-reset` mails a link that sets a password."
    if account.email_verified_at is None and services.settings.require_verified_email:
        yield "Its address was never confirmed. A new password by `send-reset` confirms it, too."
    if account.failures >= check.MAX_FAILURES:
        yield (
            f"{account.failures} consecutive wrong passwords came from unknown devices. These are refused, "
            "known devices are not. `send-reset` mails a password reset link, which ends this."
        )
    yield from _slowed(services, account)


def _slowed(services: Services, account: Account) -> Iterator[str]:
    """Return what is refused temporarily."""
    tries, end = second_factors.tries(services.tx(), account.id)
    if tries >= MAX_TRIES and end and end > services.clock.now():
        yield f"There were {tries} wrong codes recently: second factors are refused until {moment_text(end)}."
    for kind, login in (("name", account.username), ("address", account.email)):
        slowed = services.limiter.peek("login-account", brute_force.login_digest(services, login))
        if slowed and slowed.remaining == 0:
            often = f"Its {kind} was tried {slowed.policy.quota} times or more recently"
            yield f"{often}, and is refused for another {slowed.reset} seconds (429) from all clients."


_SUCCESSES = {
    Event.SIGNED_IN,
    Event.SIGNED_IN_WITH_CODE,
    Event.SIGNED_IN_WITH_RECOVERY_CODE,
    Event.SIGNED_IN_WITH_PASSKEY,
    Event.SIGNED_IN_AT_CONFIRMATION,
    Event.PASSWORD_RESET,
}


def _roles(services: Services, account: Account) -> list[str]:
    """Return its roles, and what keeps their permissions from counting."""
    permissions, names = roles.of_user(services.tx(), account.id)
    if not names:
        return []
    found = [f"It has the roles {', '.join(names)}."]
    needs_factor = services.settings.admin_require_second_factor and account.two_factor_at is None
    if needs_factor and any(map(is_of_service, permissions)):
        found += ["Their permissions auth:... count only after a login with a second factor; it has none."]
    return found


def _wrong_passwords(events: Sequence[AuditEvent]) -> list[str]:
    """Return the number of wrong passwords since the last success."""
    tries = []
    for row in events:
        if row.event in _SUCCESSES:
            break
        if row.event == Event.SIGN_IN_REFUSED and row.reason == Refusal.WRONG_PASSWORD:
            tries.append(row)
    if not tries:
        return []
    from_where = sorted({row.ip_address or "an unknown address" for row in tries})
    times = f"{len(tries)} time{'s' if len(tries) > 1 else ''}"
    last = f"last on {moment_text(tries[0].at)}, from {', '.join(from_where)}"
    return [f"A wrong password was tried {times} since the last success, {last}."]


def _mail_troubles(mails: Sequence[OutgoingMail]) -> list[str]:
    found = []
    for mail in mails:
        said = f" ({mail.last_error})" if mail.last_error else ""
        named = f"The mail {mail.template} of {moment_text(mail.created_at)}"
        if mail.given_up_at and mail.last_error != outbox.LINK_IS_VOID:
            found.append(f"{named} was given up{said}.")
        elif mail.sent_at is None and mail.given_up_at is None:
            tries = f"{mail.attempts} time{'' if mail.attempts == 1 else 's'}"
            found.append(f"{named} waits, tried {tries}{said}.")
    return found


def _line(row: AuditEvent) -> str:
    where = f" from {row.ip_address}" if row.ip_address else ""
    by = row.operator or (f"account {row.actor_id}" if row.actor_id else "")
    who = f" ({by})" if by else ""
    return f"{moment_text(row.at)}{where}: {event_text(row.event, row.reason, row.detail)}{who}"
