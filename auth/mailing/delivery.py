"""Mail delivery: from the outbox to the mailer, one mail at a time, by as many deliverers as there are."""

from datetime import timedelta
from email.errors import MessageError
from email.message import EmailMessage

from jinja2 import TemplateError

from auth import tokens
from auth.events import Event, LinkPurpose
from auth.mailing import links, messages
from auth.mailing.links import LIFETIMES
from auth.stores import audit, one_time_tokens, outbox, users
from auth.stores.outbox import Claimed
from utils.client_info import ClientInfo
from utils.mail.mailers import MailError
from utils.services import Services

LEASE = timedelta(minutes=5)  # longer than any mailer takes
FIRST_DELAY = timedelta(minutes=1)  # doubled with every try
MAX_DELAY = timedelta(hours=2)
MAX_DELAY_BY_CEILING = timedelta(minutes=10)  # short beside the hour for which a reset link works
GIVE_UP_AFTER = timedelta(hours=24)
DELIVERER = ClientInfo(address=None, user_agent="mail delivery", request_id="")


class _TooLate(MailError):
    """The link expired before the mail was sent."""


class _CeilingReached(MailError):
    """The mail waits for a ceiling of the whole service."""


class _Withheld(Exception):
    """The mail is not sent, and its cause is not told."""


def deliver_next(services: Services) -> bool:
    """Deliver the mail that has been due longest; False if none is due."""
    return try_next(services) is not None


def try_next(services: Services) -> str | None:
    """Deliver the next mail; return sent, failed (retried later), given_up, outdated, or None.

    The claim is committed before the mail is sent, its success after: a crash between the two can send a mail
    twice, with the same Message-ID.
    """
    tx, now = services.tx(), services.clock.now()
    mail = outbox.claim(tx, now, now + LEASE)
    tx.commit()
    if mail is None:
        return None
    outcome = _deliver(services, mail)
    tx.commit()
    services.metrics.mails.labels(outcome).inc()
    return outcome


def _deliver(services: Services, mail: Claimed) -> str:
    """Send the mail and record the outcome; return it for the metrics."""
    tx = services.tx()
    try:
        message = _message(services, mail)
        if message is not None and mail.to_count:
            _count(services, mail)
            mail = mail._replace(to_count=False)
        tx.rollback()  # no connection is held while the mail server answers
        if message is None:
            now = services.clock.now()
            outbox.settle(tx, mail.id, mail.attempts, given_up_at=now, last_error=outbox.LINK_IS_VOID)
            return "outdated"
    except _Withheld:
        outbox.settle(tx, mail.id, mail.attempts, sent_at=services.clock.now(), last_error=None)
        return "outdated"
    except MailError as problem:
        return _try_again_later(services, mail, problem)
    try:
        services.mailer.send(message)
    except Exception as problem:  # noqa: BLE001  (a mail that always fails must not be retried forever)
        return _try_again_later(services, mail, problem)
    outbox.settle(tx, mail.id, mail.attempts, sent_at=services.clock.now(), last_error=None)
    return "sent"


def _try_again_later(services: Services, mail: Claimed, problem: Exception) -> str:
    tx, now = services.tx(), services.clock.now()
    said = (str(problem) if isinstance(problem, MailError) else type(problem).__name__)[:60]
    if now - mail.created_at >= GIVE_UP_AFTER or isinstance(problem, _TooLate):
        users.lock_shared(tx, mail.user_id or 0)  # before its mails are: an erasure locks in that order
        if outbox.settle(tx, mail.id, mail.attempts, given_up_at=now, last_error=said):
            audit.append(tx, Event.MAIL_GIVEN_UP, now, DELIVERER, user_id=mail.user_id)
        return "given_up"
    longest = MAX_DELAY_BY_CEILING if isinstance(problem, _CeilingReached) else MAX_DELAY
    delay = min(FIRST_DELAY * 2 ** min(mail.attempts - 1, 10), longest)
    still = mail.to_count  # a mail is counted once, however often it is tried
    outbox.settle(tx, mail.id, mail.attempts, due_at=now + delay, last_error=said, to_count=still)
    return "failed"


def _message(services: Services, mail: Claimed) -> EmailMessage | None:
    """Return the mail with a fresh link; None if the link was used or replaced.

    Raises `_TooLate` if the link expired, and `MailError` for a row of which no mail can be made: a template
    or purpose of a newer release, or an address that no header can hold.
    """
    try:
        return _made(services, mail)
    except (LookupError, TypeError, ValueError, MessageError, TemplateError) as problem:
        raise MailError(f"cannot be made ({type(problem).__name__})") from None


def _made(services: Services, mail: Claimed) -> EmailMessage | None:
    token, lifetime = None, None
    if messages.MAILS[mail.template]:
        row = one_time_tokens.by_id(services.tx(), mail.token_id) if mail.token_id else None
        if row is None or row.used_at:
            return None
        if row.expires_at <= services.clock.now():
            raise _TooLate("the link has run out")
        token, lifetime = tokens.one_time(services, row), LIFETIMES[LinkPurpose(row.purpose)]
    if mail.template == "change_email":
        mail = _unless_taken(services, mail)
    return messages.message(
        services,
        mail.template,
        mail.facts,
        language=services.languages.find(mail.language) or services.languages.default,
        recipient=mail.recipient,
        message_id=mail.message_id,
        written=mail.created_at,
        token=token,
        lifetime=lifetime,
    )


def _count(services: Services, mail: Claimed) -> None:
    """Count a mail for the ceiling, unless its address has been confirmed since. Raises `_CeilingReached`.

    Counted at delivery: a call of `password/forgot` must not tell whether the address is confirmed.
    """
    account = users.by_id(services.tx(), mail.user_id or 0)
    is_proven = account is None or account.email_verified_at is not None
    if not is_proven and not services.ceilings.allow("unproven-mails"):
        raise _CeilingReached("ceiling on mails to unproven addresses")


def _unless_taken(services: Services, mail: Claimed) -> Claimed:
    """Return the mail to a new address, or the one for its owner. Raises `_Withheld` if it is reserved.

    Decided at delivery, so that nothing the caller sees depends on it.
    """
    tx = services.tx()
    # To the address as its owner wrote it, which may differ from what the caller typed.
    if owner := users.by_email(tx, mail.recipient):
        facts = {"username": links.greeting_name(owner)}
        language = users.language_of_mails(tx, owner.id)
        return mail._replace(template="address_taken", facts=facts, recipient=owner.email, language=language)
    if one_time_tokens.address_is_reserved(tx, mail.recipient, mail.user_id, services.clock.now()):
        raise _Withheld
    return mail
