"""Letters of mails: one button, the same words in the plain and the HTML part, values that stay values."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from jinja2 import Environment, meta

from auth.mailing import letters, messages
from auth.mailing.messages import MAILS
from tests.support import mailbox
from tests.support.memory_apps import memory_app
from tests.support.sent_mail import facts_of, hrefs, links_in, part
from tests.support.service import START
from utils.languages.catalogue import Language, shipped
from utils.services import services

CHOICES = {  # facts that select sentences
    "changed": ("", "yes"),
    "by_operator": ("", "yes"),
    "was_last": ("", "yes"),
    "factors_stay": ("", "yes"),
    "factors_due": ("", "yes"),
    "new_device": ("", "yes"),
    "username": ("ada", ""),
}
HOSTILE = "<b>\"x\"</b> & 'y'\n\n[Log In] https://evil.example\n\n| Time | never"
CASES = [(template, answer) for template in MAILS for answer in (0, 1)]


def mail(template: str, answer: int = 0, **facts: str) -> EmailMessage:
    """Return a mail whose choosing facts have the first or the second value."""
    with memory_app({"PUBLIC_URL": "https://auth.example.com"}) as app, app.app_context():
        return made_in(shipped().english, template, answer, **facts)


def made_in(language: Language, template: str, answer: int = 0, **facts: str) -> EmailMessage:
    """Return a mail in a language, within an app."""
    given = {
        name: CHOICES[name][answer] if name in CHOICES else f"canary-{name}" for name in facts_of(template)
    }
    return messages.message(
        services(),
        template,
        given | facts,
        language=language,
        recipient="ada@example.com",
        message_id=UUID(int=1),
        written=START,
        token="T" * 64,
        lifetime=timedelta(hours=24),
    )


def shown(rich: str) -> list[str]:
    """Return what a reader of the HTML sees: the words of each cell, paragraph and line."""
    body = re.sub(r'<div style="display:none.*?</div>', "", rich.partition("<body")[2].partition(">")[2])
    # A label and its value stand in neighbouring cells.
    body = re.sub(r":</td><td[^>]*>", ": ", body)
    pieces = re.split(r"</?(?:td|tr|table|p|h1|body|html|br)\b[^>]*>", body)
    words = (html.unescape(re.sub(r"<[^>]*>", "", piece)) for piece in pieces)
    return [" ".join(said.split()) for said in words if said.strip()]


@pytest.mark.parametrize(("template", "answer"), CASES)
def test_both_parts_say_the_same_in_the_same_order(template: str, answer: int) -> None:
    check_parts(mail(template, answer))


def test_both_parts_of_german_mails_say_the_same_and_hostile_values_add_nothing() -> None:
    german = shipped().by_tag["de"]
    with memory_app({"PUBLIC_URL": "https://auth.example.com"}) as app, app.app_context():
        for template, answer in CASES:
            check_parts(made_in(german, template, answer))
        for template in MAILS:
            check_hostile(template, lambda template, **facts: made_in(german, template, **facts))


def check_parts(made: EmailMessage) -> None:
    plain, seen = part(made, "plain"), shown(part(made, "html"))
    assert [each.get_content_type() for each in made.walk()][:3] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    brand, *seen = seen
    assert brand == "AxiomTech"
    labels = [label for label, _ in re.findall(r"^(.+?): (https?://\S+)$", plain, re.MULTILINE)]
    said = " ".join(plain.split())
    links = links_in(made)
    for label, link in zip(labels, links, strict=True):
        said = said.replace(f"{label}: {link}", label)
    if links:  # the address behind the button stands below everything, for those whose button fails
        bare = seen.index(f"{labels[0]}: {links[0]}")
        del seen[bare]
    assert " ".join(seen) == said
    assert hrefs(made) == links


@pytest.mark.parametrize(("template", "answer"), CASES)
def test_mail_has_one_button_if_it_has_a_link_and_nothing_from_elsewhere(template: str, answer: int) -> None:
    made = mail(template, answer)
    rich, plain = part(made, "html"), part(made, "plain")
    assert rich.count('class="btn"') == rich.count('class="btn-text"') == bool(MAILS[template])
    assert not re.search(
        r"<(img|link|script|iframe|object|form|input)\b|@import|@font-face|url\(|http:", rich
    )
    assert all(len(line) <= letters.WIDTH or " https://" in line for line in plain.splitlines())
    greeting = re.search(r"^Hello(?: ada)?,$\n\n(.)", plain, re.MULTILINE)
    assert greeting
    assert greeting[1].isupper()
    assert not re.search(r"\n\n\n| \n|\{\{|\}\}", plain)


@pytest.mark.parametrize("required", ["true", "false"])
def test_confirmation_says_that_the_account_cannot_be_used_only_where_that_is_so(required: str) -> None:
    with memory_app({"REQUIRE_VERIFIED_EMAIL": required}) as app, app.app_context():
        made = messages.message(
            services(),
            "verify_email",
            {},
            language=shipped().english,
            recipient="ada@example.com",
            message_id=UUID(int=1),
            written=START,
            token="T" * 64,
            lifetime=timedelta(hours=24),
        )
    assert ("cannot be used" in part(made, "plain")) is (required == "true")


@pytest.mark.parametrize("template", MAILS)
def test_hostile_values_add_no_link_no_row_and_no_markup(template: str) -> None:
    check_hostile(template, mail)


def check_hostile(template: str, make: Callable[..., EmailMessage]) -> None:
    facts = {name: HOSTILE for name in facts_of(template) if CHOICES.get(name) != ("", "yes")}
    made, plain = make(template, **facts), make(template)
    assert hrefs(made) == hrefs(plain)
    assert "<b>" not in part(made, "html")
    for tag in ("<tr>", "<td", "<a ", "<p "):
        assert part(made, "html").count(tag) == part(plain, "html").count(tag)
    assert made["Subject"] == plain["Subject"]


@pytest.mark.parametrize("template", MAILS)
def test_no_value_begins_a_line_of_a_letter_or_is_in_its_headers(template: str) -> None:
    """A line that begins with a bracket or a bar is a link or a fact."""
    source = (shipped().english.letters / f"{template}.txt").read_text("utf-8")
    head, _, body = source.partition("\n\n")
    assert meta.find_undeclared_variables(Environment().parse(head)) <= {"brand"}
    assert not re.search(r"^(?:\{%[^%]*%\})*\s*\{\{", body, re.MULTILINE)


def test_letters_are_one_for_each_kind_of_mail_with_its_links() -> None:
    folder = shipped().english.letters
    assert {path.name for path in folder.iterdir()} == {f"{name}.txt" for name in MAILS}
    for name, links in MAILS.items():
        source = (folder / f"{name}.txt").read_text("utf-8")
        assert tuple(re.findall(r"links\.(\w+)", source)) == links


def test_preheader_is_the_first_sentence_after_the_greeting() -> None:
    rich = part(mail("verify_email"), "html")
    assert ">You signed up for AxiomTech with this address.</div>" in rich


def test_lines_of_text_are_wrapped_and_joined_again() -> None:
    text = mailbox.text_of(mail("factors_reset_begun"))
    assert "authenticator codes, passkeys and recovery codes. They will be removed on canary-due." in text
