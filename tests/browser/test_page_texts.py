"""The text catalogue: every key used exists, and every key is used."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

import pages
from app import PAGE_FACTS
from pages import ErrorPages, routes
from tests.support.authorization_requests import BROWSES, CALLBACK, authorization_query
from tests.support.memory_apps import memory_app
from tests.support.oauth import client_row
from utils import errors
from utils.languages.catalogue import shipped

RIGHT, WRONG = authorization_query(), authorization_query(redirect_uri=f"{CALLBACK}/")
HERE = Path(pages.__file__).parent
SCRIPTS = {path.name: path.read_text("utf-8") for path in (HERE / "static").rglob("*.js")}
TEMPLATES = "".join(path.read_text("utf-8") for path in (HERE / "templates").rglob("*.html"))


class Noted(dict[str, str]):
    """Texts that record which keys were read."""

    def __init__(self, entries: dict[str, str]) -> None:
        super().__init__(entries)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.used.add(key)
        return super().__getitem__(key)


def show_failures(app: Flask) -> None:
    """Render every error page."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    statuses = {kind.status for kind in kinds if issubclass(kind, errors.ApiError)}
    for status in statuses:
        with app.test_request_context("/none", headers={"Accept": "text/html"}):
            error = errors.CrossSiteRefused()
            error.status = status
            page = ErrorPages(app, PAGE_FACTS)(error)
            assert page is not None
            assert page.mimetype == "text/html"


def test_pages_use_exactly_the_keys_of_the_catalogue() -> None:
    noted = Noted(dict(shipped().english.page))
    languages = replace(shipped(), by_tag={"en": replace(shipped().english, page=noted)})
    languages = replace(languages, default=languages.english)
    with memory_app(languages=languages) as app:
        client = app.test_client()
        for path in routes.FORMS | routes.PLAIN:
            assert client.get(path).status_code == 200, path
        for reason in routes.REASONS:
            assert client.get(f"/login?reason={reason}").status_code == 200
        assert client.post("/login").status_code == 200
        assert client.get("/oauth/logout").status_code == 200
        client_row(app)
        for query, status in ((RIGHT, 200), (WRONG, 400), (authorization_query(client_id="x"), 400)):
            assert client.get(f"/oauth/authorize?{query}", headers=BROWSES).status_code == status
        back = {"next": f"/oauth/authorize?{RIGHT}"}
        assert client.get("/account/two-factor", query_string=back).status_code == 200
        assert client.get("/oauth/logout", headers=BROWSES).status_code == 200
        show_failures(app)
    for environ in ({"API_TOKENS_ENABLED": "false"}, {"API_TOKEN_MAX_DAYS": "1"}):
        with memory_app(environ, languages=languages) as app:
            assert app.test_client().get("/account/tokens").status_code == 200
    with memory_app({"OAUTH_PROVIDER": "false"}, languages=languages) as app:
        assert app.test_client().get("/account/apps").status_code == 200
    # The choices of a language are shown where there are several.
    several = {f"profile.language.{part}" for part in ("title", "text", "browser", "submit")}
    assert set(noted) - noted.used == several | {"shell.language", "field.locale"}


def literals(source: str) -> set[str]:
    return set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', source))


def test_scripts_use_exactly_the_keys_of_the_catalogue() -> None:
    known = {key for key in shipped().english.script if not key.endswith(".one")}  # variants of plurals
    whole = "".join(SCRIPTS.values())
    made = {f"{key}.to" for key in ("signup_sent", "forgot_sent")}
    assert "dataset.text}.to`" in whole
    assert known - literals(whole) - made == set()
    keys = re.findall(r'\b(?:text|fail|busy|key)(?:\(|: )"([a-z_.]+)"', whole)
    keys += re.findall(r'\bfault\("[a-z_]+", "([a-z_.]+)"', whole)
    keys += re.findall(r'\bfill\(\s*[^;]*?, "([a-z_.]+)"', whole)
    keys += re.findall(r'[?:] "([a-z_]+\.[a-z_.]+)"', whole)
    assert len(keys) > 30
    assert set(keys) - known == set()


def test_templates_contain_no_literal_text() -> None:
    bare = re.sub(
        r"\{% block layout %\}.*?\{% endblock %\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>",
        "",
        TEMPLATES,
        flags=re.DOTALL,
    )
    assert re.findall(r"[A-Za-z]{2,}", bare) == []


def test_every_placeholder_is_filled() -> None:
    """A placeholder that no call fills would be displayed literally."""
    for name in ("page", "script"):
        entries: dict[str, str] = getattr(shipped().english, name)
        source = (
            TEMPLATES + (HERE / "routes.py").read_text("utf-8")
            if name == "page"
            else "".join(SCRIPTS.values())
        )
        gaps: set[Any] = {gap for words in entries.values() for gap in re.findall(r"\{(\w+)\}", words)}
        for gap in gaps:
            assert re.search(rf"\b{gap}\s*[=:,}}]", source), (name, gap)
