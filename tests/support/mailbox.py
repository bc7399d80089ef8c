"""The mails that an app has sent."""

import re
from email.message import EmailMessage

from flask import Flask

from auth.mailing.delivery import deliver_next
from utils.mail.mailers import TEMPLATE_HEADER, MemoryMailer
from utils.services import services


def deliver(app: Flask) -> None:
    """Deliver all due mails."""
    with app.app_context():
        while deliver_next(services()):
            pass


def mails(app: Flask, template: str = "", to: str = "") -> list[EmailMessage]:
    """Return the sent mails, oldest first: of this template, to this address."""
    deliver(app)
    mailer = app.extensions["auth_services"].mailer
    assert isinstance(mailer, MemoryMailer)
    return [
        mail
        for mail in mailer.sent
        if template in {"", mail[TEMPLATE_HEADER]} and to in {"", str(mail["To"])}
    ]


def sent(app: Flask) -> list[tuple[str, str]]:
    """Return the template and recipient of each sent mail, oldest first."""
    return [(str(mail[TEMPLATE_HEADER]), str(mail["To"])) for mail in mails(app)]


def newest(app: Flask, template: str, to: str = "") -> EmailMessage:
    """Return the newest mail of this template, to this address."""
    found = mails(app, template, to)
    assert found, f"no {template} to {to or 'anybody'} among {sent(app)}"
    return found[-1]


def text_of(mail: EmailMessage) -> str:
    """Return the plain-text part, a line for each paragraph."""
    part = mail.get_body(("plain",))
    assert part is not None
    return re.sub(r"(?<!\n)\n(?!\n)", " ", str(part.get_content()))


def token_in(mail: EmailMessage, page: str = "") -> str:
    """Return the token of the mail's link; with `page`, of the link to that page."""
    found = re.findall(rf"https?://\S+{re.escape(page)}#token=([A-Za-z0-9_-]{{64}})(?!\S)", text_of(mail))
    assert found, text_of(mail)
    return str(found[0])


def token(app: Flask, template: str, to: str = "") -> str:
    """Return the token of the newest mail of this template, to this address."""
    return token_in(newest(app, template, to))


def tokens(app: Flask, template: str, to: str = "") -> list[str]:
    """Return the tokens of all such mails, oldest first."""
    return [token_in(mail) for mail in mails(app, template, to)]


def delivered(app: Flask) -> list[EmailMessage]:
    """Deliver all due mails; return those sent now."""
    mailer = app.extensions["auth_services"].mailer
    assert isinstance(mailer, MemoryMailer)
    before = len(mailer.sent)
    deliver(app)
    return mailer.sent[before:]


def template_of(mail: EmailMessage) -> str:
    return str(mail[TEMPLATE_HEADER])


def any_token(mail: EmailMessage) -> str | None:
    """Return the token of the mail's links, which all have the same; None if it has no link."""
    found = set(re.findall(r"#token=([\w-]+)", text_of(mail)))
    assert len(found) <= 1
    return found.pop() if found else None


def mailed(app: Flask, kind: str) -> str:
    """Return the token of the newest mail of this template among those sent now."""
    went = [any_token(mail) for mail in delivered(app) if template_of(mail) == kind]
    assert went, f"no {kind} was mailed"
    return went[-1] or ""
