"""Each mail that we send: its links, and the message made of its letter.

Made at delivery, from a row of the outbox, in its language. The letters are in the folder `mails` of each
language, a file each.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import UUID

from auth.mailing import letters, wording
from models import iso
from utils.client_info import ClientInfo
from utils.identifiers import deliverable
from utils.languages.catalogue import Language
from utils.mail.mailers import TEMPLATE_HEADER
from utils.services import Services
from utils.web.devices import device

# Each kind of mail, with the links that it holds.
MAILS: Mapping[str, tuple[str, ...]] = {
    "verify_email": ("verify", "reject"),
    "address_taken": (),
    "reset_password": ("reset",),
    "password_blocked": ("reset",),
    "password_changed": (),
    "change_email": ("verify",),
    "email_changed": ("undo",),
    "username_changed": (),
    "new_sign_in": ("disown",),
    "sign_in_after_failures": ("disown",),
    "guessing": ("reset",),
    "session_guessing": (),
    "session_stolen": (),
    "app_token_reused": (),
    "two_factor_enabled": ("disown",),
    "two_factor_disabled": (),
    "passkey_added": ("disown",),
    "api_token_created": ("disown",),
    "app_connected": ("disown",),
    "passkey_removed": (),
    "recovery_codes_replaced": (),
    "recovery_code_used": (),
    "second_factor_guessing": (),
    "totp_blocked": (),
    "factors_reset_begun": (),
    "factors_reset_stopped": (),
    "factors_reset": (),
    "password_removed": (),
    "role_granted": (),
    "role_revoked": (),
    "role_granted_to_other": (),
    "role_revoked_to_other": (),
    "deletion_requested": ("restore",),
    "account_restored": (),
    "account_closed": ("restore",),
    "email_confirmed": ("disown",),
}


def client_facts(client: ClientInfo, now: datetime) -> dict[str, str]:
    """Return when and from where something was done, as facts of a mail."""
    browser, system = device(client.user_agent)
    named = wording.ON.join(name for name in (browser, system) if name)
    named = re.sub(r"[^A-Za-z0-9 -]", "", named)  # the client chose it: nothing in it may look like a link
    return {
        "at": iso(now),
        "device": named,
        "ip_address": client.address or "",
    }


def moment_text(moment: datetime) -> str:
    """Return a time as commands show it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def moment_text_of(text: str | None) -> str:
    """Return a time of a response, in ISO 8601, as commands show it."""
    return moment_text(datetime.fromisoformat(text)) if text else "never"


def message(
    services: Services,
    template: str,
    facts: Mapping[str, str],
    *,
    language: Language,
    recipient: str,
    message_id: UUID,
    written: datetime,
    token: str | None,
    lifetime: timedelta | None = None,
) -> EmailMessage:
    """Return the mail in this language: plain text, HTML, and headers where only the address is a user's."""
    settings = services.settings
    pages = {name: getattr(settings, f"link_{name}") for name in MAILS[template]}
    links = {name: f"{page}#token={token}" for name, page in pages.items()}
    values = {
        **wording.worded(language, facts),
        "links": links,
        "lifetime": wording.lifetime(language, lifetime) if lifetime else "",
        "must_confirm": settings.require_verified_email,
    }
    letter = letters.written(
        language,
        template,
        values,
        brand=settings.brand_name,
        host=urlsplit(settings.public_url).netloc,
    )

    made = EmailMessage()
    made["Subject"] = letter.subject
    made["From"] = Address(settings.brand_name, addr_spec=settings.mail_from)
    made["To"] = deliverable(recipient)
    made["Date"] = written
    made["Message-ID"] = f"<{message_id.hex}@{settings.mail_from.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday greeting comes back
    made[TEMPLATE_HEADER] = template
    _add_text(made, letter.text(), "plain")
    _add_text(made, letter.html(language), "html")
    return made


def _add_text(mail: EmailMessage, text: str, subtype: str) -> None:
    # Plain where it can be: quoted-printable breaks a link in two for those who read the source.
    encoding = "7bit" if text.isascii() else "quoted-printable"
    if subtype == "plain":
        mail.set_content(text, cte=encoding)
    else:
        mail.add_alternative(text, subtype=subtype, cte=encoding)
