"""Languages: the same keys and gaps in each, the choice of one, and pages in it."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from app import create_app
from config import ConfigurationError, Settings, TestingConfig
from pages import assets
from tests.support.documents import read
from tests.support.memory_apps import memory_app
from utils.languages.accepted import accepted
from utils.languages.catalogue import CATEGORIES, Language, Languages, load, shipped
from utils.languages.installed import LOCALES, installed
from utils.web.languages import LANGUAGE_COOKIE

PARTS = ("page", "script")
VARIANT = re.compile(rf"\.({'|'.join(CATEGORIES)})$")
OWN = {"Sec-Fetch-Site": "same-origin"}


def gaps(words: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", words))


def plurals(entries: Mapping[str, str]) -> set[str]:
    """Return the keys that have a variant for a number."""
    return {VARIANT.sub("", key) for key in entries if VARIANT.search(key)} & set(entries)


def faults(spoken: Language, english: Language) -> list[str]:
    """Return what a language lacks, has too much, or fills with other gaps than English."""
    found = []
    for part in PARTS:
        ours, theirs = getattr(spoken, part), getattr(english, part)
        counted = plurals(theirs)
        forms = set(spoken.locale.plural_form.tags)
        wanted = {key for key in theirs if key in counted or VARIANT.sub("", key) not in counted}
        wanted |= {f"{key}.{form}" for key in counted for form in forms}
        found += [f"{part} {key}" for key in sorted(wanted ^ set(ours))]
        for key in sorted(wanted & set(ours)):
            source = theirs.get(key) or theirs[VARIANT.sub("", key)]
            if gaps(ours[key]) != gaps(source):
                found.append(f"{part} {key} has other gaps")
    return found


@pytest.mark.parametrize("tag", installed())
def test_every_language_has_every_text_with_its_gaps(tag: str) -> None:
    languages = shipped()
    assert faults(languages.by_tag[tag], languages.english) == []


def test_german_is_installed_beside_english() -> None:
    assert [(each.tag, each.name, each.direction) for each in shipped().by_tag.values()] == [
        ("en", "English", "ltr"),
        ("de", "Deutsch", "ltr"),
    ]


@pytest.fixture(scope="module")
def with_arabic(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English and a pseudo-language that is written from right to left, with all forms of plurals."""
    folder = tmp_path_factory.mktemp("locales")
    shutil.copytree(LOCALES / "en", folder / "en")
    english = json.loads((LOCALES / "en/pages.json").read_text("utf-8"))
    made: dict[str, dict[str, str]] = {}
    for part, entries in english.items():
        made[part] = {key: f"\u2067{words}\u2069" for key, words in entries.items()}
        for key in plurals(entries):
            made[part] |= {f"{key}.{form}": f"{form} {entries[key]}" for form in CATEGORIES}
    shutil.copytree(LOCALES / "en", folder / "ar")
    (folder / "ar/pages.json").write_text(json.dumps(made, ensure_ascii=False), "utf-8")
    return load(folder)


def test_missing_text_and_other_gap_are_found(with_arabic: Languages, tmp_path: Path) -> None:
    assert faults(with_arabic.by_tag["ar"], with_arabic.english) == []
    shutil.copytree(LOCALES, tmp_path / "locales")
    file = tmp_path / "locales/de/pages.json"
    texts = json.loads(file.read_text("utf-8"))
    del texts["page"]["login.title"]
    texts["script"]["passkeys.added"] = "{label} wurde hinzugefügt."
    del texts["script"]["limited.one"]
    file.write_text(json.dumps(texts), "utf-8")
    spoilt = load(tmp_path / "locales")
    assert faults(spoilt.by_tag["de"], spoilt.english) == [
        "page login.title",
        "script limited.one",
        "script passkeys.added has other gaps",
    ]


def test_page_of_right_to_left_language_says_so(with_arabic: Languages) -> None:
    with memory_app({"API_TOKEN_MAX_DAYS": "30"}, languages=with_arabic) as app:
        client = app.test_client()
        page = client.get("/login", headers={"Accept-Language": "ar-EG"}).get_data(as_text=True)
        assert '<html lang="ar" dir="rtl"' in page
        assert "\u2067Log In\u2069" in page
        tokens = client.get("/account/tokens", headers={"Accept-Language": "ar"}).get_data(as_text=True)
        assert ">few 7 days<" in tokens  # CLDR: 3 to 10 are few
        assert ">many 30 days<" in tokens


CHOICES = [
    ("de", "de"),
    ("DE-at, en;q=0.8", "de"),
    ("de-Latn-DE-1996", "de"),
    ("en;q=0.5, de;q=0.9", "de"),
    ("fr, de;q=0.5, en;q=0.4", "de"),
    ("de, en", "de"),
    ("en, de", "en"),
    ("pt", "pt-BR"),
    ("pt-PT", None),
    ("de;q=0, en", "en"),
    ("de-CH, de;q=0, en;q=0.5", "en"),
    ("de;q=0", None),
    ("*", None),
    ("fr, *", None),
    ("", None),
    ("de;q=2, ;;, -, en;q=0.1", "en"),
    ("d" * 9, None),
    ("x," * 20 + "de", None),  # too many ranges
    (" " * 512 + "de", None),  # too long
]


@pytest.mark.parametrize(("header", "wanted"), CHOICES)
def test_language_is_chosen_by_quality_then_order_within_bounds(header: str, wanted: str | None) -> None:
    assert accepted(header, ("en", "de", "pt-BR")) == wanted


def test_language_of_a_page_is_the_chosen_then_the_browsers_then_the_default() -> None:
    german = {"Accept-Language": "de"}
    for environ, default in (({}, "en"), ({"DEFAULT_LANGUAGE": "de"}, "de")):
        with memory_app(environ) as app:
            client = app.test_client()
            for headers, wanted in (({}, default), (german, "de"), ({"Accept-Language": "fr"}, default)):
                answer = client.get("/login", headers=headers)
                assert f'<html lang="{wanted}" dir="ltr"' in answer.get_data(as_text=True)
                assert {"Accept-Language", "Cookie"} <= set(answer.vary.as_set(preserve_casing=True))
    with memory_app() as app:
        client = app.test_client()
        page = client.get("/login?ui_locales=fr+de-CH").get_data(as_text=True)
        assert '<html lang="de"' in page
        chosen = client.post(
            "/preferences/language", data={"language": "en", "back": "/signup?next=/account"}, headers=OWN
        )
        assert (chosen.status_code, chosen.location) == (303, "/signup?next=/account")
        assert '<html lang="en"' in client.get("/login", headers=german).get_data(as_text=True)
        client.post("/preferences/language", data={"language": ""}, headers=OWN)
        assert '<html lang="de"' in client.get("/login", headers=german).get_data(as_text=True)


def test_language_switch_refuses_other_sites_unknown_languages_and_foreign_targets() -> None:
    with memory_app() as app:
        client = app.test_client()
        form = {"language": "de", "back": "//evil.example"}
        other = client.post("/preferences/language", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert other.status_code == 403
        answer = client.post("/preferences/language", data=form | {"language": "../en"}, headers=OWN)
        assert (answer.location, "Set-Cookie" in answer.headers) == ("/login", False)


def test_error_page_is_in_the_language_of_the_browser() -> None:
    with memory_app() as app:
        headers = {"Accept-Language": "de", "Accept": "text/html"}
        page = app.test_client().get("/none", headers=headers).get_data(as_text=True)
        assert "Seite nicht gefunden" in page


def test_scripts_of_a_page_have_its_language() -> None:
    with memory_app() as app:
        client = app.test_client()
        for spoken in shipped().by_tag.values():
            page = client.get("/login", headers={"Accept-Language": spoken.tag}).get_data(as_text=True)
            path = assets.asset("lib/texts.js", spoken)
            assert path in page
            answer = client.get(path, headers={"Accept-Language": "fr"})
            assert spoken.script["password.empty"] in answer.get_data(as_text=True)
            assert "immutable" in answer.headers["Cache-Control"]
        old = client.get("/assets/000000000000/lib/texts.js", headers={"Accept-Language": "de"})
        assert "Geben Sie Ihr Passwort ein" in old.get_data(as_text=True)
        assert "Accept-Language" in str(old.vary)


def test_default_language_must_be_installed() -> None:
    with pytest.raises(ConfigurationError, match="DEFAULT_LANGUAGE must be one of de, en"):
        create_app(settings=Settings.load(TestingConfig, {"DEFAULT_LANGUAGE": "fr"}))


def test_language_is_added_by_the_steps_of_the_guide(tmp_path: Path) -> None:
    """The folder is copied and its values translated; nothing else is needed."""
    guide = read("docs/guides/screens.md")
    assert "cp -r locales/en locales/fr" in guide
    assert "cp locales/de/messages.json locales/fr/" in guide
    shutil.copytree(LOCALES, tmp_path / "locales")
    shutil.copytree(tmp_path / "locales/en", tmp_path / "locales/fr")
    shutil.copy(tmp_path / "locales/de/messages.json", tmp_path / "locales/fr")
    file = tmp_path / "locales/fr/pages.json"
    texts = json.loads(file.read_text("utf-8"))
    texts["page"]["login.title"] = "Se connecter"
    for part, entries in texts.items():  # French has a form for millions, as the guide says of such forms
        texts[part] |= {f"{key}.many": entries[key] for key in plurals(entries)}
    file.write_text(json.dumps(texts, ensure_ascii=False), "utf-8")
    languages = load(tmp_path / "locales", "fr")
    assert faults(languages.by_tag["fr"], languages.english) == []
    with memory_app(languages=languages) as app:
        page = app.test_client().get("/login").get_data(as_text=True)
        assert '<html lang="fr" dir="ltr"' in page
        assert "<h1" in page
        assert "Se connecter" in page
        assert '<option value="fr" lang="fr" selected>français</option>' in page
    assert "/preferences/language" in guide
    assert LANGUAGE_COOKIE == "__Host-lang"
