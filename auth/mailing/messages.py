"""Each mail that we send: its subject, its template, its links. Made at delivery, from a row of the outbox.

A template in `templates/` is the text part; `[label] URL` on a line of its own is a link. The
HTML part is made of the same text by `layout.html`, so that the two never differ.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from utils.client_info import ClientInfo
from utils.identifiers import deliverable
from utils.mail.mailers import TEMPLATE_HEADER
from utils.services import Services
from utils.web.devices import device


class Mail(NamedTuple):
    """A kind of mail. `{brand}` in its subject is BRAND_NAME; no word of a user is in a header."""

    subject: str
    links: tuple[str, ...] = ()


MAILS: Mapping[str, Mail] = {
    "verify_email": Mail("Confirm your address for {brand}", ("verify", "reject")),
    "address_taken": Mail("You already have an account at {brand}"),
    "reset_password": Mail("Set a new password for {brand}", ("reset",)),
    "password_blocked": Mail("Your account at {brand} is secured", ("reset",)),
    "password_changed": Mail("Your password for {brand} was changed"),
    "change_email": Mail("Confirm your new address for {brand}", ("verify",)),
    "email_changed": Mail("Your address for {brand} was changed", ("undo",)),
    "username_changed": Mail("Your user name at {brand} was changed"),
    "new_sign_in": Mail("New login to {brand}", ("disown",)),
    "sign_in_after_failures": Mail("Right password for {brand} after wrong ones", ("disown",)),
    "guessing": Mail("Many wrong passwords for your account at {brand}", ("reset",)),
    "session_guessing": Mail("A device was logged out of your account at {brand}"),
    "session_stolen": Mail("A device was logged out of your account at {brand}"),
    "app_token_reused": Mail("An app lost its access to your account at {brand}"),
    "two_factor_enabled": Mail("Authenticator codes for {brand} are on", ("disown",)),
    "two_factor_disabled": Mail("Authenticator codes for {brand} are off"),
    "passkey_added": Mail("A passkey was added to your account at {brand}", ("disown",)),
    "api_token_created": Mail("An API token was created for your account at {brand}", ("disown",)),
    "app_connected": Mail("An app can use your account at {brand}", ("disown",)),
    "passkey_removed": Mail("A passkey was removed from your account at {brand}"),
    "recovery_codes_replaced": Mail("Your recovery codes for {brand} were replaced"),
    "recovery_code_used": Mail("A recovery code for {brand} was used"),
    "second_factor_guessing": Mail("Many wrong codes for your account at {brand}"),
    "totp_blocked": Mail("Authenticator codes for {brand} are blocked"),
    "factors_reset_begun": Mail("Your second factors for {brand} will be removed"),
    "factors_reset_stopped": Mail("Your second factors for {brand} are kept"),
    "factors_reset": Mail("Your second factors for {brand} were removed"),
    "password_removed": Mail("Your password for {brand} was removed"),
    "role_granted": Mail("You have a new role at {brand}"),
    "role_revoked": Mail("A role of your account at {brand} was removed"),
    "role_granted_to_other": Mail("An account at {brand} has a new role"),
    "role_revoked_to_other": Mail("An account at {brand} has lost a role"),
    "deletion_requested": Mail("Your account at {brand} will be deleted", ("restore",)),
    "account_restored": Mail("Your account at {brand} is kept"),
    "account_closed": Mail("Your account at {brand} was closed", ("restore",)),
    "email_confirmed": Mail("Your address for {brand} was confirmed", ("disown",)),
}


class Block(NamedTuple):
    """A paragraph, or a link with its label."""

    text: str
    url: str | None = None


def client_facts(client: ClientInfo, now: datetime) -> dict[str, str]:
    """Return when and from where something was done, in words."""
    browser, system = device(client.user_agent)
    named = " on ".join(name for name in (browser, system) if name)
    named = re.sub(r"[^A-Za-z0-9 -]", "", named)  # the client chose it: nothing in it may look like a link
    return {
        "at": moment_text(now),
        "device": named or "an unknown device",
        "ip_address": client.address or "an unknown address",
    }


def moment_text(moment: datetime) -> str:
    """Return a time as mails show it."""
    return f"{moment.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def message(
    services: Services,
    template: str,
    facts: Mapping[str, str],
    *,
    recipient: str,
    message_id: UUID,
    written: datetime,
    token: str | None,
    lifetime: str = "",
) -> EmailMessage:
    """Return the mail: plain text, HTML, and headers in which only the address comes from a user."""
    settings, mail = services.settings, MAILS[template]
    pages = {name: getattr(settings, f"link_{name}") for name in mail.links}
    links = {name: f"{page}#token={token}" for name, page in pages.items()}
    subject = mail.subject.format(brand=settings.brand_name)
    shown = {**facts, "brand": settings.brand_name, "links": links, "lifetime": lifetime}
    blocks = _blocks(_environment().get_template(f"{template}.txt").render(shown))

    made = EmailMessage()
    made["Subject"] = subject
    made["From"] = Address(settings.brand_name, addr_spec=settings.mail_from)
    made["To"] = deliverable(recipient)
    made["Date"] = written
    made["Message-ID"] = f"<{message_id.hex}@{settings.mail_from.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday greeting comes back
    made[TEMPLATE_HEADER] = template
    text = "\n\n".join(f"{block.text}:\n{block.url}" if block.url else block.text for block in blocks)
    _add_text(made, f"{text}\n", "plain")
    layout = _environment().get_template("layout.html")
    _add_text(made, layout.render(subject=subject, brand=settings.brand_name, blocks=blocks) + "\n", "html")
    return made


def _blocks(text: str) -> list[Block]:
    found = []
    for paragraph in re.split(r"\n\n+", text.strip()):
        link = re.fullmatch(r"\[([^\]]+)\] (https?://\S+)", paragraph)
        found.append(Block(link[1], link[2]) if link else Block(paragraph))
    return found


def _add_text(mail: EmailMessage, text: str, subtype: str) -> None:
    # Plain where it can be: quoted-printable breaks a link in two for those who read the source.
    encoding = "7bit" if text.isascii() else "quoted-printable"
    if subtype == "plain":
        mail.set_content(text, cte=encoding)
    else:
        mail.add_alternative(text, subtype=subtype, cte=encoding)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
