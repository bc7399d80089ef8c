"""One word for one thing in the texts of screens and mails; the number is that of the design's check."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from utils.languages.installed import LOCALES

ENGLISH = LOCALES / "en"
GAPS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\w+\}")
# Words that a text does not use, with their forms, by the word that takes their place.
AVOIDED = {
    "set up": r"configur(?:e|es|ed|ing|ation)|enrol(?:l|s|ls|led|ling|ment|lment)?",
    "turn on, turn off": r"switch\w*(?: \w+)? (?:on|off)|(?:en|dis)abl(?:e|es|ed|ing)|activat\w+",
    "log in, login, sign up": r"log-ins?|sign(?:s|ed|ing)?[ -]?ins?|register(?:s|ed|ing)?|registration",
    "passkey": r"security keys?|webauthn",
    "authenticator app": r"your app|code of your app|totp",
    "second factor": r"2fa|mfa",
    "recovery code": r"backup codes?",
    "device": r"clients?|browser sessions?",
    "confirm": r"verif(?:y|ies|ied|ying|ication)",
    "remove, delete": r"eras(?:e|es|ed|ing|ure)|revok(?:e|es|ed|ing)|revocation|forget(?:s|ting)?",
    "the person who runs the service": r"operators?|admins?",
}
# Texts that need such a word, and why.
EXCEPTIONS = {
    "oauth_error.client_id": "for developers: the name of the parameter",
    "oauth_error.registered": "for developers: the redirect URI that the client has",
    "role_granted_to_other.txt": "the name of the role, in a mail to those who have it",
    "role_revoked_to_other.txt": "the name of the role, in a mail to those who have it",
}
# The same in German, where the first word is the one to use.
AVOIDED_GERMAN = {
    "einrichten": r"konfigurier\w*",
    "einschalten, ausschalten": r"(?:de)?aktivier\w*|(?:an|ab)(?:ge|zu)?schalt\w*",
    "anmelden, abmelden, registrieren": r"(?:ein|aus)(?:ge|zu)?logg\w*|log-?(?:in|out)s?",
    "Passkey": r"sicherheitsschlüssel\w*|webauthn",
    "Zwei-Faktor-Authentifizierung": r"2fa|mfa|totp|\w+-authentisierung",
    "Wiederherstellungscode": r"backup-codes?|sicherungscodes?",
    "Gerät": r"clients?|browser-?sitzung(?:en)?",
    "bestätigen": r"verifizier\w*",
    "entfernen, löschen": r"widerruf\w*",
    "die Person, die den Dienst betreibt": r"betreiber\w*|admins?|administrator\w*",
    "Sie": r"du|dich|dir|dein\w*|euch|euer|eure\w*",
}


def texts_of_screens(folder: Path = ENGLISH) -> Iterator[tuple[str, str]]:
    for entries in json.loads((folder / "pages.json").read_text("utf-8")).values():
        yield from entries.items()


def texts_of_mails() -> Iterator[tuple[str, str]]:
    yield from _leaves("mails.json", json.loads((ENGLISH / "mails.json").read_text("utf-8")))
    for path in sorted((ENGLISH / "mails").iterdir()):
        yield path.name, path.read_text("utf-8")


def _leaves(key: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(f"{key} {name}", each)
    elif isinstance(value, str):
        yield key, value


def found(texts: Iterator[tuple[str, str]], avoided: Mapping[str, str]) -> list[str]:
    """Return the avoided words in these texts; the names of gaps are no words."""
    return [
        f"{key}: {word[0]!r}, not {instead!r}"
        for key, words in texts
        if key not in EXCEPTIONS
        for instead, pattern in avoided.items()
        for word in re.finditer(rf"\b(?:{pattern})\b", GAPS.sub("", words), re.IGNORECASE)
    ]


def test_233_texts_use_one_word_for_one_thing() -> None:
    assert found(texts_of_screens(), AVOIDED) == []
    assert found(texts_of_mails(), AVOIDED) == []
    assert found(texts_of_screens(LOCALES / "de"), AVOIDED_GERMAN) == []
    assert set(EXCEPTIONS) <= {key for key, _ in [*texts_of_screens(), *texts_of_mails()]}


def test_233_each_avoided_word_is_found_in_each_form() -> None:
    texts = {
        "a": "Enrolled. Switch it off. Two-factor is disabled. Sign in with your app.",
        "b": "{client} revoked {{ operator }}",
        "c": "Designing a new client-side registration",
    }
    faults = [fault.partition(",")[0] for fault in found(iter(texts.items()), AVOIDED)]
    expected = [
        "a: 'Enrolled'",
        "a: 'Switch it off'",
        "a: 'disabled'",
        "a: 'Sign in'",
        "a: 'your app'",
        "b: 'revoked'",
    ]
    assert faults == [*expected, "c: 'registration'", "c: 'client'"]
