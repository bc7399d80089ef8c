"""Mail contents: text and HTML parts, links built from settings, no markup or headers from user input."""

import email.utils
import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email import message_from_bytes, policy
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.events import LinkPurpose
from auth.mailing.links import LIFETIMES
from auth.mailing.messages import MAILS
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.documents import code_in, read, table_rows
from tests.support.memory_apps import memory_app
from tests.support.sent_mail import (
    PURPOSES,
    delivered,
    facts_of,
    hrefs,
    last,
    links_in,
    one_of_every_kind,
    outcomes,
    part,
    token_in,
    write,
)
from tests.support.service import PASSWORD, FixedClock, execute, login, register, rows
from utils.identifiers import deliverable, normalized_email
from utils.mail.mailers import TEMPLATE_HEADER

LINKS = {"LINK_VERIFY": "https://www.example.com/a", "LINK_RESET": "https://www.example.com/b?x=1&y=%20"}
LINKS |= {f"LINK_{name}": f"https://www.example.com/{name}" for name in ("REJECT", "UNDO", "RESTORE")}
LINKS |= {"LINK_DISOWN": "https://www.example.com/disown?a=1&amp;b=2", "BRAND_NAME": "A & B <Über>"}
HEADERS = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", TEMPLATE_HEADER, "MIME-Version"]


@pytest.fixture
def make_plain() -> Iterator[Callable[..., Flask]]:
    """Make apps on a database in memory, for tests that do not depend on the database."""
    with ExitStack() as apps:
        yield lambda **environ: apps.enter_context(memory_app(environ))


@pytest.fixture
def plain(make_plain: Callable[..., Flask]) -> Flask:
    return make_plain()


# Facts that select a sentence and do not appear in the mail themselves.
CHOOSING = {"changed", "by_operator", "was_last", "factors_stay", "factors_due", "new_device"}


@pytest.mark.parametrize("template", MAILS)
def test_each_mail_has_its_facts_and_links_in_both_parts(
    make_plain: Callable[..., Flask], template: str
) -> None:
    app = make_plain(PUBLIC_URL="https://auth.example.com", **LINKS)
    write(app, template, recipient="new@example.com")  # an unused address, so that the change is allowed
    (mail,) = delivered(app)
    text, rich = mailbox.text_of(mail), html.unescape(part(mail, "html"))
    wanted = [LINKS[f"LINK_{name.upper()}"] for name in MAILS[template]]
    assert [link.partition("#token=")[0] for link in links_in(mail)] == wanted
    assert hrefs(mail) == links_in(mail)
    assert all(len(link.partition("#token=")[2]) == 64 for link in links_in(mail))
    # Until the address is confirmed, the username may be a link chosen by an attacker.
    assert ("username" in facts_of(template)) == (template not in {"verify_email", "change_email"})
    for fact in facts_of(template) - CHOOSING:
        assert f"canary-{fact}" in text
        assert f"canary-{fact}" in rich
    for said in (text, rich):
        assert "A & B <Über>" in said
        assert not re.search(r"\{\{|\}\}|\bNone\b|\[[A-Z]", said)
    assert "<Über>" not in part(mail, "html")
    assert ("A & B <Über>" in mail["Subject"]) is (template != "verify_email")
    assert list(mail.keys())[:7] == HEADERS[:7]
    assert set(mail.keys()) == {*HEADERS, "Content-Type"}
    assert outcomes(app) == {"sent": 1}


def test_every_kind_of_mail_is_sent_through_the_api(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    mails = list(one_of_every_kind(app, client, clock))
    assert {mail[TEMPLATE_HEADER] for mail in mails} == set(MAILS)
    assert set(outcomes(app)) == {"sent"}
    for mail in mails:
        assert hrefs(mail) == links_in(mail)
        kept = message_from_bytes(mail.as_bytes(policy=policy.SMTP), policy=policy.default)
        assert links_in(kept) == links_in(mail)


HOSTILE_AGENTS = [
    "Mozilla/5.0 (https://evil.example/ Firefox/145.0) Gecko/20100101 Firefox/145.0",
    "https://evil.example/x",
    "[Click here] https://evil.example/",
    "evil.example/1.0",
    "Firefox/1\t\tBcc: eve@evil.example",
    "<a href=https://evil.example>Firefox/145",
    "%0d%0a%0d%0a[x] https://evil.example",
    "\N{RIGHT-TO-LEFT OVERRIDE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\N{NEXT LINE}Firefox/145",
    "www.evil.example Chrome/1." + "9" * 4000,
    "{{ links.disown }} {% raw %}",
]


@pytest.mark.parametrize("agent", HOSTILE_AGENTS, ids=range(len(HOSTILE_AGENTS)))
def test_hostile_user_agent_cannot_inject_into_a_mail(plain: Flask, agent: str) -> None:
    app, client = plain, plain.test_client()
    register(client)
    login(client, headers={"User-Agent": agent.encode().decode("latin-1")})
    mail = last(app, "new_sign_in")
    assert len(links_in(mail)) == 1
    assert hrefs(mail) == links_in(mail)
    assert links_in(mail)[0].startswith("http://localhost:8000/disown#token=")
    (device,) = re.findall(r"^Device: (.*)$", part(mail, "plain"), re.MULTILINE)
    assert re.fullmatch(r"[A-Za-z0-9 -]+", device)
    assert len(mailbox.text_of(mail).split("\n\n")) == 8
    assert not re.search(r"evil[./]", mail.as_string())
    assert set(mail.keys()) == {*HEADERS, "Content-Type"}


HOSTILE_FACT = "<script>\"&'</script> [Click] https://evil.example"


def test_hostile_fact_is_escaped_in_html(plain: Flask) -> None:
    write(plain, "password_changed", username=HOSTILE_FACT, at=HOSTILE_FACT)
    (mail,) = delivered(plain)
    assert "<script>" not in part(mail, "html")
    assert HOSTILE_FACT in html.unescape(part(mail, "html"))
    assert hrefs(mail) == []


def test_mail_headers_contain_no_user_input_but_the_address(app: Flask, client: FlaskClient) -> None:
    register(client, "canary-name", email="canary@example.com")
    (mail,) = delivered(app)
    del mail["To"]
    assert "canary" not in "".join(f"{name}: {value}" for name, value in mail.items())


FORGED = [
    {"Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "666"},
    {"Forwarded": "host=evil.example;proto=gopher"},
    {
        "X-Original-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "Origin": "https://evil.example",
    },
]


@pytest.mark.parametrize("headers", FORGED, ids=range(len(FORGED)))
@pytest.mark.parametrize("proxies", ["0", "1"])
def test_links_ignore_forged_host_headers(
    make_app: AppFactory, headers: dict[str, str], proxies: str
) -> None:
    app = make_app({"PUBLIC_URL": "https://auth.example.com", "TRUSTED_PROXIES": proxies})
    client = app.test_client()
    if "Host" in headers:  # as the very first request, too
        client.get("/", base_url="http://evil.example", headers=headers)
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    client.post("/auth/register", json=body, headers=headers)
    client.post("/auth/password/forgot", json={"email": "ada@example.com"}, headers=headers)
    mails = delivered(app)
    assert len(mails) == len(rows(app, "SELECT id FROM outbox")) > 0
    for mail in mails:
        assert {link.split("/")[2] for link in links_in(mail)} == {"auth.example.com"}
        assert "evil" not in mail.as_string()
        assert mail["From"] == "AxiomTech <no-reply@auth.example.com>"
        assert mail["Message-ID"].endswith("@auth.example.com>")


@pytest.mark.parametrize("public", ["http://[::1]:8000", "http://127.0.0.1:8000", "http://localhost"])
def test_sender_is_a_valid_address_for_every_public_url(
    make_plain: Callable[..., Flask], public: str
) -> None:
    app = make_plain(PUBLIC_URL=public)
    register(app.test_client())
    (mail,) = delivered(app)
    host = public.split("/")[2].removesuffix(":8000")
    assert mail["From"].addresses[0].addr_spec == f"no-reply@{host}"


# Local parts that a mail header could parse as a different address.
ODD = ["o'brien+tag", "a/b=c", "{x}|y", "#!$%&*^`~", "=x", "?x", "a=b?c", "x" * 64, "jörg", "用户", "_", "-"]


@pytest.mark.parametrize("local", ODD)
def test_unusual_address_is_the_only_recipient(plain: Flask, local: str) -> None:
    for address in (f"{local}@example.com", f"{local}@bücher.example"):
        write(plain, "address_taken", recipient=normalized_email(address))
    for mail, address in zip(delivered(plain), ("example.com", "xn--bcher-kva.example"), strict=True):
        assert email.utils.getaddresses([str(mail["To"])]) == [("", f"{local}@{address}")]


ENCODED_WORDS = [
    "=?utf-8?q?eve=40evil.example=3e=20?=ada@example.com",
    "=?utf-8?q?eve=40evil.example=2C?=@example.com",
    "=?utf-8?b?ZXZlQGV2aWwuZXhhbXBsZQ==?=@example.com",
    "ada=?us-ascii?q?x?=@example.com",
]


@pytest.mark.parametrize("address", ENCODED_WORDS)
def test_address_with_an_encoded_word_is_refused(plain: Flask, address: str) -> None:
    answer = register(plain.test_client(), email=address)
    assert (answer.status_code, set(answer.get_json()["fields"])) == (400, {"email"})
    with pytest.raises(ValueError, match="valid"):
        deliverable(address)


def test_mailed_link_is_signed_with_the_current_key(make_app: AppFactory) -> None:
    old, new = "the key of last year is long enough", "the key of this year is long enough"
    before = make_app({"FLASK_SECRET_KEY": old})
    register(before.test_client())
    before.test_client().post("/auth/password/forgot", json={"email": "ada@example.com"})
    sent = last(before, "reset_password")
    rotated = make_app({"FLASK_SECRET_KEY": new, "FLASK_PREVIOUS_SECRET_KEYS": old})
    forgotten = make_app({"FLASK_SECRET_KEY": new})
    assert checked(rotated, token_in(sent)) == 200
    assert checked(forgotten, token_in(sent)) == 404
    execute(before, "UPDATE outbox SET sent_at = NULL, due_at = created_at")
    again = last(rotated, "reset_password")
    assert again["Message-ID"] == sent["Message-ID"]
    assert token_in(again) != token_in(sent)
    assert checked(forgotten, token_in(again)) == 200
    assert checked(before, token_in(again)) == 404


def checked(app: Flask, token: str) -> int:
    return app.test_client().post("/auth/password/reset/check", json={"token": token}).status_code


DOCUMENT = read("docs/guides/frontend.md") + read("docs/reference/events.md")
TOLD: dict[str, Any] = {code_in(row[0])[0]: row[2] for row in table_rows(DOCUMENT, "mail", "when", "link")}


def test_every_mail_is_documented_with_its_links() -> None:
    assert {name: tuple(re.findall(r"\w+", links)) for name, links in TOLD.items()} == MAILS


WORDS = {"24 hours": 24, "60 minutes": 1, "72 hours": 72, "7 days": 7 * 24, "until the erasure": 14 * 24}


def test_every_link_lifetime_is_documented() -> None:
    told = {row[0]: WORDS[row[1]] for row in table_rows(DOCUMENT, "link", "works for", "the call")}
    hours = {purpose: lifetime.total_seconds() / 3600 for purpose, lifetime in LIFETIMES.items()}
    assert told == {
        "`LINK_VERIFY` after a registration": hours[LinkPurpose.VERIFY],
        "`LINK_VERIFY` after `email/change`": hours[LinkPurpose.EMAIL_CHANGE],
        "`LINK_REJECT`": hours[LinkPurpose.VERIFY],
        **{f"`LINK_{name.upper()}`": hours[p] for name, p in PURPOSES.items() if name != "verify"},
    }
    assert set(LIFETIMES) == set(LinkPurpose) == {*PURPOSES.values(), LinkPurpose.EMAIL_CHANGE}


LASTS = {"verify_email": "24 hours", "reset_password": "60 minutes", "email_changed": "72 hours"}


@pytest.mark.parametrize(("template", "words"), (LASTS | {"new_sign_in": "7 days"}).items())
def test_mail_states_the_lifetime_of_its_link(plain: Flask, template: str, words: str) -> None:
    write(plain, template)
    assert f"The link works once, for {words}." in mailbox.text_of(delivered(plain)[0])
