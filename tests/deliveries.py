"""The mails of an app in tests: delivered by hand into memory, and the tokens in them."""

import re
from email.message import EmailMessage

from flask import Flask

from auth.flows import mail_delivery
from utils.mail import TEMPLATE_HEADER, MemoryMailer
from utils.services import Services


def delivered(app: Flask) -> list[EmailMessage]:
    """Deliver all that is due; the mails that went just now."""
    services: Services = app.extensions["auth_services"]
    assert isinstance(services.mailer, MemoryMailer)
    before = len(services.mailer.sent)
    with app.app_context():
        while mail_delivery.deliver_next(services):
            pass
    return services.mailer.sent[before:]


def template(mail: EmailMessage) -> str:
    return str(mail[TEMPLATE_HEADER])


def token(mail: EmailMessage) -> str | None:
    """The token of the links in this mail; they all have the same."""
    part = mail.get_body(("plain",))
    found = set(re.findall(r"#token=([\w-]+)", part.get_content() if part else ""))
    assert len(found) <= 1
    return found.pop() if found else None


def mailed(app: Flask, kind: str) -> str:
    """Deliver all that is due; the token of the newest mail of this template."""
    tokens = [token(mail) for mail in delivered(app) if template(mail) == kind]
    assert tokens, f"no {kind} was mailed"
    return tokens[-1] or ""
