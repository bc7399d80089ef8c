"""Outgoing mails: written directly, delivered one at a time, and one of every kind through the API."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment, meta

from auth.admin import addresses, closing, operators
from auth.events import LinkPurpose
from auth.mailing import delivery
from auth.mailing.messages import MAILS
from auth.stores import one_time_tokens, outbox, users
from oauth.apps import notice
from oauth.stores import clients
from tests.support.authenticator_app import Authenticator
from tests.support.oauth import client_row
from tests.support.oauth_tokens import got, refresh_app
from tests.support.requests import OPERATOR, confirm_addresses, post, prune
from tests.support.roles import editor, grant, revoke
from tests.support.service import PASSWORD, bearer, execute, login, refresh, register
from tests.support.soft_passkey import SoftPasskey
from utils.client_info import ClientInfo
from utils.languages.installed import LOCALES
from utils.mail.mailers import TEMPLATE_HEADER, MailError, MemoryMailer
from utils.services import Services

ANOTHER = "another good password"
DAY = timedelta(days=1)
LETTERS = LOCALES / "en/mails"
# The purpose behind each of the links that a mail may hold.
PURPOSES = {
    "verify": LinkPurpose.VERIFY,
    "reset": LinkPurpose.RESET,
    "undo": LinkPurpose.EMAIL_UNDO,
    "restore": LinkPurpose.RESTORE,
    "disown": LinkPurpose.DISOWN,
}


class RefusingMailer:
    """Refuses every mail, and records them."""

    def __init__(self, why: str = "SMTPDataError 451") -> None:
        self.seen: list[EmailMessage] = []
        self._why = why

    def send(self, message: EmailMessage) -> None:
        self.seen.append(message)
        raise MailError(self._why)

    def check(self) -> None:
        raise MailError(self._why)


def services_of(app: Flask) -> Services:
    found: Services = app.extensions["auth_services"]
    return found


def deliver_next(app: Flask) -> bool:
    with app.app_context():
        return delivery.deliver_next(services_of(app))


def write(app: Flask, template: str, recipient: str = "ada@example.com", **facts: str) -> None:
    """Write a mail to the outbox, for a new account if there is none; omitted facts become canaries."""
    with app.app_context():
        services = services_of(app)
        session, now = services.tx(), services.clock.now()
        user = users.by_id(session, 1) or users.add(
            session, username="ada", email="ada@example.com", password_hash="none", now=now
        )
        assert user
        purpose = PURPOSES[next(iter(MAILS[template]), "verify")]
        token = one_time_tokens.issue(
            session, user.id, purpose, recipient, now, now + DAY, address_proven=True
        )
        given = {name: f"canary-{name}" for name in facts_of(template)} | facts
        outbox.append(session, template, given, now, user_id=user.id, recipient=recipient, token=token)
        session.commit()


SETTINGS = {"brand", "links", "lifetime", "must_confirm"}  # not of the outbox


def facts_of(template: str) -> set[str]:
    """Return the facts that the outbox needs for a mail of this kind, beyond settings."""
    source = (LETTERS / f"{template}.txt").read_text("utf-8")
    return meta.find_undeclared_variables(Environment().parse(source)) - SETTINGS


def delivered(app: Flask) -> list[EmailMessage]:
    """Deliver all due mails, and take them out of the in-memory mailbox."""
    while deliver_next(app):
        pass
    mailer = services_of(app).mailer
    assert isinstance(mailer, MemoryMailer)
    taken, mailer.sent[:] = [*mailer.sent], []
    return taken


def last(app: Flask, template: str) -> EmailMessage:
    """Deliver, and return the newest mail of this kind."""
    return [mail for mail in delivered(app) if mail[TEMPLATE_HEADER] == template][-1]


def part(mail: EmailMessage, kind: str) -> str:
    """Return the `plain` or `html` part."""
    found: Any = mail.get_body((kind,))
    return str(found.get_content())


def links_in(mail: EmailMessage) -> list[str]:
    return re.findall(r"https?://\S+", part(mail, "plain"))


def hrefs(mail: EmailMessage) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]*)"', part(mail, "html"))]


def token_in(mail: EmailMessage) -> str:
    """Return the token of the mail's links, which all have the same."""
    (token,) = {link.partition("#token=")[2] for link in links_in(mail)}
    return token


def letters(folder: Path) -> list[str]:
    """Return the kinds of the mails that a service wrote into the folder `mail`, oldest first."""
    return [path.name.split("-")[2] for path in sorted((folder / "mail").glob("*.eml"))]


def outcomes(app: Flask) -> dict[str, float]:
    """Return the delivery attempts so far, by outcome."""
    samples = (sample for metric in services_of(app).metrics.mails.collect() for sample in metric.samples)
    return {s.labels["outcome"]: s.value for s in samples if s.name.endswith("_total")}


SECOND_FACTORS = (
    *("two_factor_enabled", "recovery_code_used", "recovery_codes_replaced", "totp_blocked"),
    *("second_factor_guessing", "passkey_added", "passkey_removed", "factors_reset_begun"),
    *("factors_reset_stopped", "factors_reset", "password_removed", "two_factor_disabled"),
)


def add_passkey(client: FlaskClient, access: str) -> str:
    options = post(client, "passkeys/options", access).get_json()["public_key"]
    made = post(client, "passkeys", access, credential=SoftPasskey().create(options)).get_json()
    return str(made["passkey"]["id"])


def begin_reset(app: Flask) -> None:
    with app.app_context():
        operators.reset_factors(services_of(app), "ada", OPERATOR)


def second_factors(
    app: Flask, client: FlaskClient, clock: Any, access: str, password: str
) -> Iterator[EmailMessage]:
    """Do everything about factors that is mailed; at the end the account has no factor and no password."""
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    codes = post(client, "totp/confirm", access, code=phone.code()).get_json()["recovery_codes"]
    yield from delivered(app)
    challenge = login(client, "ada", password).get_json()["challenge_token"]
    step = {"challenge_token": challenge, "recovery_code": codes[0]}
    access = post(client, "login/second-factor", **step).get_json()["access_token"]
    codes = post(client, "recovery-codes", access, code=phone.next_code()).get_json()["recovery_codes"]
    execute(app, "UPDATE totp_factors SET failures = 90")
    for _ in range(10):
        post(client, "reauth", access, code=phone.wrong_code())
    clock.advance(15 * 60)
    execute(app, "UPDATE totp_factors SET failures = 0")
    access = post(client, "reauth", access, code=phone.next_code()).get_json()["access_token"]
    client.delete(f"/auth/passkeys/{add_passkey(client, access)}", headers=bearer(access))
    begin_reset(app)
    client.delete("/auth/factors-reset", headers=bearer(access))
    client.delete("/auth/totp", json={"recovery_code": codes[0]}, headers=bearer(access))
    add_passkey(client, access)
    client.delete("/auth/password", headers=bearer(access))
    begin_reset(app)
    yield from delivered(app)
    clock.advance(DAY.total_seconds())
    prune(app)


def connect_app(app: Flask, client_id: str = "wiki", login: str = "ada", **columns: Any) -> None:
    """Register a client, and tell the owner of an account that it was allowed."""
    client_row(app, client_id, **columns)
    with app.app_context():
        services = services_of(app)
        tx = services.tx()
        account, client = users.by_username(tx, login), clients.find(tx, client_id)
        assert account
        assert client
        caller = ClientInfo(address="203.0.113.7", user_agent="Mozilla/5.0 Firefox/145.0", request_id="r")
        notice.tell_owner(services, tx, account, client, caller)
        tx.commit()


def one_of_every_kind(app: Flask, client: FlaskClient, clock: Any) -> Iterator[EmailMessage]:
    """Make the calls that send each kind of mail; return those mails."""
    seen: list[EmailMessage] = []

    def newest(template: str) -> str:
        seen.extend(delivered(app))
        mail = [m for m in seen if m[TEMPLATE_HEADER] == template][-1]
        return token_in(mail) if MAILS[template] else ""

    def session() -> dict[str, str]:
        body = login(client, "ada", current).get_json()
        return bearer(body["access_token"])

    current = PASSWORD
    register(client, "ada")
    register(client, "bob")
    newest("verify_email")
    confirm_addresses(app)  # an unproven one gets three mails in an hour
    grant(app, "ada", "admin")
    grant(app, "bob", "support")
    newest("role_granted_to_other")
    revoke(app, "bob", "support")
    newest("role_revoked_to_other")
    revoke(app, "ada", "admin")
    headers = session()
    newest("new_sign_in")
    client_row(app)
    token = got(app)["refresh_token"]
    refresh_app(app, token)
    clock.advance(60)
    refresh_app(app, token)
    newest("app_token_reused")
    editor(app)
    client.post("/auth/tokens", json={"name": "x", "permissions": ["reports:read"]}, headers=headers)
    newest("api_token_created")
    connect_app(app)
    newest("app_connected")
    client.post("/auth/email/change", json={"email": "bob@example.com"}, headers=headers)
    newest("address_taken")
    client.patch("/auth/me", json={"username": "lovelace"}, headers=headers)
    client.patch("/auth/me", json={"username": "ada"}, headers=headers)
    newest("username_changed")
    change = {"current_password": current, "new_password": ANOTHER}
    client.post("/auth/password/change", json=change, headers=headers)
    newest("password_changed")
    client.post("/auth/email/change", json={"email": "new@example.com"}, headers=headers)
    proof = {"token": newest("change_email"), "password": ANOTHER}
    client.post("/auth/email/verify", json=proof)
    newest("email_changed")
    clock.advance(3601)
    current = ANOTHER
    stolen = login(client, "ada", current).get_json()["refresh_token"]
    second = refresh(client, stolen).get_json()["refresh_token"]
    clock.advance(601)
    refresh(client, second)
    clock.advance(601)
    refresh(client, stolen)
    newest("session_stolen")
    client.delete("/auth/me", headers=session())
    client.post("/auth/me/restore", json={"token": newest("deletion_requested")})
    newest("account_restored")
    client.post("/auth/password/forgot", json={"email": "new@example.com"})
    newest("reset_password")
    headers = session()
    for _ in range(100):
        client.post("/auth/reauth", json={"password": "not the right one"}, headers=headers)
    newest("session_guessing")
    access = session()["Authorization"].removeprefix("Bearer ")
    seen.extend(second_factors(app, client, clock, access, current))
    for kind in SECOND_FACTORS:
        newest(kind)
    client.post("/auth/password/forgot", json={"email": "new@example.com"})
    client.post("/auth/password/reset", json={"token": newest("reset_password"), "password": current})
    for _ in range(100):
        login(client, "ada", "not the right one")
    newest("guessing")
    client.post("/auth/password/reset", json={"token": newest("guessing"), "password": PASSWORD})
    current = PASSWORD
    clock.advance(3601)
    device = login(client, "ada", current).get_json()["device_token"]
    for password in [*["not the right one"] * 10, current]:
        login(client, "ada", password, headers={"X-Device-Token": device})
    newest("sign_in_after_failures")
    client.post("/auth/sessions/disown", json={"token": newest("new_sign_in")})
    newest("password_blocked")
    with app.app_context():
        closing.close(services_of(app), "bob", OPERATOR)
        execute(app, "UPDATE users SET email_verified_at = NULL WHERE username = 'ada'")
        addresses.confirm(services_of(app), "ada", "spoke to her", OPERATOR)
    for kind in ("account_closed", "email_confirmed"):
        newest(kind)
    yield from seen
