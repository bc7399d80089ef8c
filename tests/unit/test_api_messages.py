"""Messages of the API: each is translated, and a call gets them in the language that it asks for."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from auth.event_texts import event_text
from auth.events import Event, Refusal
from tests.support.api_texts import api_texts, texts_without_template
from tests.support.architecture import project_sources
from tests.support.memory_apps import memory_app
from utils.languages.catalogue import CATEGORIES, Language, Languages, load, shipped
from utils.languages.installed import ENGLISH, LOCALES, installed
from utils.languages.text import Text

GAP = re.compile(r"\{(\w+)\}")
TOO_LONG = "must be at most {n} characters long"
OTHERS = [tag for tag in installed() if tag != ENGLISH]


def faults(spoken: Language, wanted: frozenset[str]) -> list[str]:
    """Return the messages that a language lacks, has too much, or fills with other gaps than English."""
    forms = set(spoken.locale.plural_form.tags)
    counted = {f"{key}.{form}": key for key in wanted if "{n}" in key for form in forms}
    found = [f"not translated: {key}" for key in wanted - spoken.messages.keys()]
    for key, text in spoken.messages.items():
        source = counted.get(key, key)
        if source not in wanted:
            found.append(f"not a message of the API: {key}")
        elif sorted(GAP.findall(text)) != sorted(GAP.findall(source)):
            found.append(f"other gaps: {key}")
    return sorted(found)


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_has_every_message_of_the_api_with_its_gaps(tag: str) -> None:
    assert faults(shipped().by_tag[tag], api_texts()) == []


def test_every_message_of_the_api_is_a_text_with_a_template() -> None:
    assert texts_without_template(project_sources()) == []
    for line, fault in [
        ('raise Conflict("You have no goat.")', "message without Text"),
        ('raise InvalidInput(fields={"goat": f"is {given}"})', "fault of a field without Text"),
        ("raise Conflict(Text(words))", "Text of a variable"),
    ]:
        assert texts_without_template({"auth/goats.py": line}) == [f"auth/goats.py:1 {fault}"]


def changed(folder: Path, messages: Mapping[str, str], tag: str = "de") -> Languages:
    """Return English and a language whose messages are these."""
    for each in (ENGLISH, tag):
        shutil.copytree(LOCALES / ENGLISH, folder / each)
    (folder / tag / "messages.json").write_text(json.dumps({"all": dict(messages)}), "utf-8")
    return load(folder)


def test_missing_message_other_gap_and_surplus_message_are_found(tmp_path: Path) -> None:
    german = dict(shipped().by_tag["de"].messages)
    del german["Invalid credentials"]
    german |= {TOO_LONG: "zu lang", "You have no goat.": "Keine Ziege.", f"{TOO_LONG}.few": "{n}"}
    assert faults(changed(tmp_path, german).by_tag["de"], api_texts()) == [
        "not a message of the API: You have no goat.",
        f"not a message of the API: {TOO_LONG}.few",  # German has no such form
        "not translated: Invalid credentials",
        f"other gaps: {TOO_LONG}",
    ]


@pytest.fixture(scope="module")
def arabic(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English and a pseudo-language that is written from right to left, with all forms of plurals."""
    made = {text: f"\u2067{text}\u2069" for text in api_texts()}
    made |= {f"{TOO_LONG}.{form}": f"{form} {{n}}" for form in CATEGORIES}
    return changed(tmp_path_factory.mktemp("arabic"), made, "ar")


def test_text_with_number_has_the_plural_form_of_the_language(arabic: Languages) -> None:
    spoken = arabic.by_tag["ar"]
    assert faults(spoken, api_texts()) == []
    assert [spoken.said(Text(TOO_LONG, n=n)) for n in (2, 5, 80)] == ["two 2", "few 5", "many 80"]
    assert spoken.said(Text(TOO_LONG, n=100)) == "\u2067must be at most 100 characters long\u2069"


def test_values_of_a_text_are_kept_and_texts_in_it_translated() -> None:
    german, english = shipped().by_tag["de"], shipped().english
    fault = Text("Password {fault}", fault=Text("must be at least {n} characters long", n=15))
    assert (german.said(fault), english.said(fault)) == (
        "Das Passwort muss mindestens 15 Zeichen lang sein.",
        "Password must be at least 15 characters long",
    )
    named = Text("{event}: {more}.", event="is missing", more="{event} {0} %s")
    assert german.said(named) == str(named) == "is missing: {event} {0} %s."
    assert german.said("You have no goat.") == "You have no goat."


def test_event_text_in_german_names_the_reason_and_keeps_names_of_things() -> None:
    say = shipped().by_tag["de"].said
    refused = event_text(Event.SIGN_IN_REFUSED, Refusal.WRONG_PASSWORD, None, say)
    assert refused == "Eine Anmeldung wurde abgelehnt: falsches Passwort."
    named = event_text(Event.API_TOKEN_CREATED, None, "wrong code", say)
    assert named == "Sie haben einen API-Token erstellt: wrong code."
    assert event_text("of_a_newer_release", None, None, say) == "Es ist etwas geschehen."


GERMAN = {"Accept-Language": "de-AT, en;q=0.5"}
HOSTILE = [
    "de" * 300_000,
    "de," * 100_000,
    "de;q=" + "9" * 5000,
    ",".join(f"a{n};q=0.{n}" for n in range(1000)),
    "\u00e9;q=\u00b2",
    ";;;,,,*;q=0",
    "en-" + "a-" * 5000,
]


def test_refusal_is_english_unless_the_call_asks_for_another_language() -> None:
    """`DEFAULT_LANGUAGE` is for pages and mails."""
    with memory_app({"DEFAULT_LANGUAGE": "de"}) as app:
        client = app.test_client()
        for headers, message in (
            ({}, "Some fields are not valid."),
            ({"Accept-Language": "fr"}, "Some fields are not valid."),
            ({"Accept-Language": "en, de"}, "Some fields are not valid."),
            (GERMAN, "Einige Felder sind nicht gültig."),
        ):
            body = {"username": "a@b", "email": "x", "password": "a long and good password", "next": "ä"}
            answer = client.post("/auth/register", json=body, headers=headers)
            told = answer.get_json()
            assert (told["code"], told["message"]) == ("validation_failed", message)
            assert answer.headers.get_all("Vary") == ["Accept-Language"]
        assert told["fields"] == {
            "username": "darf kein @ enthalten",
            "email": "ist keine gültige E-Mail-Adresse",
            "next": "muss dem Muster '^[!-~]*$' entsprechen",
        }
        answer = client.post(
            "/auth/login", json={"username": "a", "password": "b", "token_delivery": "c"}, headers=GERMAN
        )
        assert answer.get_json()["fields"] == {"token_delivery": "muss 'body' oder 'cookie' sein"}


def test_rate_limit_message_is_german_for_a_german_call() -> None:
    with memory_app({"RATE_LIMIT_ENABLED": "true"}) as app:
        client = app.test_client()
        answers = (client.post("/auth/login", json={}, headers=GERMAN) for _ in range(31))
        limited = next(answer for answer in answers if answer.status_code == 429)
        assert limited.get_json()["message"] == "Zu viele Anfragen. Versuchen Sie es später noch einmal."
        assert limited.get_json()["code"] == "rate_limited"


@pytest.mark.parametrize("header", HOSTILE)
def test_hostile_accept_language_gets_the_same_refusal(header: str) -> None:
    with memory_app() as app:
        answer = app.test_client().get("/auth/me", headers={"Accept-Language": header})
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")
        german = header.startswith("de,")
        assert answer.get_json()["message"].startswith(
            "Der Zugriffstoken" if german else "Authorization token"
        )


def test_vary_names_the_header_once_beside_others() -> None:
    with memory_app({"CORS_ORIGINS": "https://app.example.com"}) as app:
        client = app.test_client()
        answer = client.get("/auth/me", headers=GERMAN | {"Origin": "https://app.example.com"})
        assert answer.headers.get_all("Vary") == ["Accept-Language, Origin"]
        page = client.get("/none", headers=GERMAN | {"Accept": "text/html"})
        assert sorted(page.vary.as_set()) == ["accept-language", "cookie", "origin"]


def test_answers_of_flows_and_advice_are_in_the_language_of_the_call() -> None:
    with memory_app() as app:
        client = app.test_client()
        forgot = client.post("/auth/password/forgot", json={"email": "ada@example.com"}, headers=GERMAN)
        assert forgot.get_json()["message"].startswith("Falls es ein Konto")
        advice = client.post("/auth/password/strength", json={"password": "password"}, headers=GERMAN)
        assert advice.get_json()["warning"] == "Das ist eines der 10 häufigsten Passwörter."
        assert advice.headers["Vary"] == "Accept-Language"


def test_messages_for_developers_stay_english() -> None:
    with memory_app() as app:
        client = app.test_client()
        form = {"grant_type": "authorization_code", "code": "x", "client_id": "none"}
        refused = client.post("/oauth/token", data=form, headers=GERMAN)
        assert refused.get_json()["message"] == "The client is unknown, or its secret is wrong."
        for answer in (refused, client.get("/oauth/userinfo", headers=GERMAN)):
            assert "Accept-Language" not in answer.headers.get("Vary", "")
        expired = {"query": "client_id=none", "ticket": "x"}
        told = client.post("/auth/authorizations", json=expired, headers=GERMAN).get_json()
        assert told["message"].startswith("Diese Anfrage ist abgelaufen.")
        assert told["error_description"].startswith("This request has expired.")


def test_answer_without_a_message_does_not_vary() -> None:
    with memory_app() as app:
        assert "Vary" not in app.test_client().get("/health/live", headers=GERMAN).headers
