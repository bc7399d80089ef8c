"""Letters of mails in every language: kinds, gaps, links and facts as in English, and its own dates."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from auth.mailing import letters, wording
from auth.mailing.messages import MAILS
from tests.support.sent_mail import facts_of
from utils.languages.catalogue import Language, Languages, load, shipped
from utils.languages.installed import LOCALES, installed

TAG = re.compile(r"\{%-?\s*(.*?)\s*-?%\}")
VALUE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
ROW = re.compile(r"^\| [^|\n]+ \| (.+)$", re.MULTILINE)
LINK = re.compile(r"^\[[^\]\n]+\] (.+)$", re.MULTILINE)
HEADER = re.compile(r"^(Subject|Title|Because): \S")
GAP = re.compile(r"\{(\w+)\}")


def parts(source: str) -> dict[str, object]:
    """Return what the letters of one kind have in common in all languages."""
    head, _, body = source.partition("\n\n")
    return {
        "headers": [match[1] if (match := HEADER.match(line)) else line for line in head.splitlines()],
        "values of the headers": set(VALUE.findall(head)),
        "values": set(VALUE.findall(body)),
        "conditions": sorted(TAG.findall(body)),
        "facts": ROW.findall(body),
        "links": LINK.findall(body),
        "beginnings of paragraphs": not re.search(r"^(?:\{%[^%]*%\})*\s*\{\{", body, re.MULTILINE),
    }


def faults(spoken: Language, english: Language) -> list[str]:
    """Return what the mails of a language lack, have too much, or have otherwise than the English ones."""
    found = [f"mails.json {key}" for key in sorted(spoken.mail.keys() ^ english.mail.keys())]
    found += [
        f"mails.json {key} has other gaps"
        for key in sorted(spoken.mail.keys() & english.mail.keys())
        if sorted(GAP.findall(spoken.mail[key])) != sorted(GAP.findall(english.mail[key]))
    ]
    ours, theirs = ({path.name for path in each.letters.iterdir()} for each in (spoken, english))
    found += [f"mails/{name}" for name in sorted(ours ^ theirs)]
    for name in sorted(ours & theirs):
        own, wanted = (parts((each.letters / name).read_text("utf-8")) for each in (spoken, english))
        found += [f"mails/{name} has other {part}" for part in wanted if own[part] != wanted[part]]
    return found


@pytest.mark.parametrize("tag", installed())
def test_every_language_has_every_mail_with_its_gaps_links_and_facts(tag: str) -> None:
    languages = shipped()
    assert faults(languages.by_tag[tag], languages.english) == []


def test_missing_mail_text_and_other_link_are_found(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path / "locales")
    folder = tmp_path / "locales/de"
    words = json.loads((folder / "mails.json").read_text("utf-8"))
    del words["because"]
    words["device"] = "{browser}"
    (folder / "mails.json").write_text(json.dumps(words), "utf-8")
    for name, old, new in (
        ("new_sign_in", "| IP-Adresse | {{ ip_address }}\n", ""),
        ("verify_email", "links.reject", "links.verify"),
        ("email_changed", "Because", "Weil"),
        ("reset_password", " und ist {{ lifetime }} gültig", ""),
        ("two_factor_disabled", "{% if was_last %}", "{% if was_first %}"),
    ):
        file = folder / f"mails/{name}.txt"
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    spoilt = load(tmp_path / "locales")
    (folder / "mails/guessing.txt").unlink()
    assert faults(spoilt.by_tag["de"], spoilt.english) == [
        "mails.json because",
        "mails.json device has other gaps",
        "mails/guessing.txt",
        "mails/email_changed.txt has other headers",
        "mails/new_sign_in.txt has other values",
        "mails/new_sign_in.txt has other facts",
        "mails/reset_password.txt has other values",
        "mails/two_factor_disabled.txt has other conditions",
        "mails/verify_email.txt has other values",
        "mails/verify_email.txt has other links",
    ]


def test_language_without_a_kind_of_mail_is_refused_at_start(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path / "locales")
    (tmp_path / "locales/de/mails/guessing.txt").unlink()
    with pytest.raises(LookupError, match=r"de has no mails/guessing\.txt"):
        load(tmp_path / "locales", "de")


@pytest.fixture(scope="module")
def with_arabic(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """The installed languages, and a pseudo-language that is written from right to left."""
    folder = tmp_path_factory.mktemp("locales") / "all"
    shutil.copytree(LOCALES, folder)
    shutil.copytree(folder / "en", folder / "ar")
    words = json.loads((folder / "ar/mails.json").read_text("utf-8"))
    marked = {key: f"\u2067{text}\u2069" for key, text in words.items()}
    (folder / "ar/mails.json").write_text(json.dumps(marked), "utf-8")
    return load(folder)


MOMENTS = {
    "en": "November 30, 2026, 09:05 UTC",
    "de": "30. November 2026, 09:05 Uhr UTC",
    "ar": "\u206730 نوفمبر 2026, 09:05 UTC\u2069",
}


@pytest.mark.parametrize(("tag", "wanted"), MOMENTS.items())
def test_times_of_a_mail_are_written_as_its_language_does(
    with_arabic: Languages, tag: str, wanted: str
) -> None:
    facts = dict.fromkeys(("at", "due", "erase_at", "expires_at"), "2026-11-30T10:05:00+01:00")
    assert set(wording.worded(with_arabic.by_tag[tag], facts).values()) == {wanted}


LIFETIMES = {
    timedelta(minutes=60): ("60 minutes", "60 Minuten", "60 دقيقة"),
    timedelta(hours=24): ("24 hours", "24 Stunden", "24 ساعة"),
    timedelta(hours=72): ("72 hours", "72 Stunden", "72 ساعة"),
    timedelta(days=7): ("7 days", "7 Tage", "7 أيام"),
    timedelta(days=14): ("14 days", "14 Tage", "14 يومًا"),  # CLDR: 3 to 10 are few, 11 to 99 many
}


@pytest.mark.parametrize(("lifetime", "wanted"), LIFETIMES.items())
def test_lifetime_of_a_link_has_the_plural_of_its_language(
    with_arabic: Languages, lifetime: timedelta, wanted: tuple[str, ...]
) -> None:
    spoken = [with_arabic.by_tag[tag] for tag in ("en", "de", "ar")]
    assert tuple(wording.lifetime(each, lifetime) for each in spoken) == wanted


def test_facts_that_name_no_one_are_put_into_words() -> None:
    spoken = shipped().by_tag["de"]
    facts = {"device": "", "ip_address": "", "by": "", "role": "admin"}
    assert wording.worded(spoken, facts) == {
        "device": "ein unbekanntes Gerät",
        "ip_address": "eine unbekannte Adresse",
        "by": "eine Person mit Zugang zur Kommandozeile",
        "role": "admin",
    }
    facts = {"device": "Firefox 145 on Ubuntu", "ip_address": "203.0.113.7", "by": "7"}
    assert wording.worded(spoken, facts) == facts | {"device": "Firefox 145 auf Ubuntu", "by": "das Konto 7"}
    told = wording.worded(spoken, dict.fromkeys(("device", "ip_address"), wording.COMMAND_LINE))
    assert told == {"device": "die Kommandozeile", "ip_address": "beim Dienst selbst"}


def test_facts_in_words_of_an_earlier_release_stay() -> None:
    facts = {
        "at": "30 November 2026, 09:05 UTC",
        "device": "an unknown device",
        "ip_address": "an unknown address",
        "by": "the account 7",
    }
    assert wording.worded(shipped().by_tag["de"], facts) == facts


def test_gap_in_a_value_is_not_filled() -> None:
    facts = {"device": "{system} on {browser}"}
    assert wording.worded(shipped().english, facts) == facts


def written(spoken: Language, template: str, **chosen: str) -> letters.Letter:
    """Return a letter. Facts that are not given are canaries."""
    facts = {name: f"canary-{name}" for name in facts_of(template)} | chosen
    links = {name: f"https://auth.example.com/{name}" for name in MAILS[template]}
    values = {**facts, "links": links, "lifetime": "canary-lifetime", "must_confirm": True}
    return letters.written(spoken, template, values, brand="AxiomTech", host="auth.example.com")


def test_mail_of_right_to_left_language_says_so(with_arabic: Languages) -> None:
    arabic = with_arabic.by_tag["ar"]
    letter = written(arabic, "new_sign_in", at="2026-11-30T09:05:00Z")
    rich = letter.html(arabic)
    assert '<html lang="ar" dir="rtl">' in rich
    assert rich.count('dir="rtl"') == 2  # some mail programs drop the first
    assert "<bdi>canary-ip_address</bdi>" in rich
    assert "\u2067You get this mail because" in letter.text()


def test_german_mail_greets_by_name_and_ends_in_german() -> None:
    german = shipped().by_tag["de"]
    letter = written(german, "password_changed", username="ada")
    assert letter.subject == "Ihr Passwort für AxiomTech wurde geändert"
    assert letter.text().splitlines()[2] == "Guten Tag ada,"
    assert letter.preheader == "das Passwort Ihres Kontos bei AxiomTech wurde geändert."
    assert "Sie erhalten diese E-Mail, weil diese Adresse zu einem Konto" in letter.text()
    assert '<html lang="de" dir="ltr">' in letter.html(german)


CHOICES = ("changed", "by_operator", "was_last", "factors_stay", "factors_due", "new_device", "username")


@pytest.mark.parametrize("tag", installed())
def test_no_mail_of_a_language_shows_a_gap_or_an_empty_paragraph(tag: str) -> None:
    spoken = shipped().by_tag[tag]
    for template in MAILS:
        for answer in ("yes", ""):
            letter = written(spoken, template, **dict.fromkeys(CHOICES, answer))
            said = f"{letter.subject}\n\n{letter.text()}"
            assert not re.search(r"\n\n\n| \n|  |\{|\}|\bNone\b| ,", said), template
            labels = {block.url: block.text for block in letter.blocks if block.url}
            assert len(labels) == len(MAILS[template]), template
            assert all(len(line) <= letters.WIDTH or " https://" in line for line in said.splitlines())
