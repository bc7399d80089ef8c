"""`/docs`: the API page, served from local files only."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app import create_app
from ops.api_page import FILES, POLICY
from tests.support.memory_apps import memory_app
from tests.support.production import load
from tests.support.service import shut_down


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        yield app.test_client()


def test_api_page_and_its_resources_are_served(memory: FlaskClient) -> None:
    page = memory.get("/docs")
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    named = set(re.findall(r'(?:src|href)="([^"]+)"', page.get_data(as_text=True)))
    assert named == {f"/docs/{name}" for name in FILES} | {"/openapi.json"}
    types = {path.rpartition(".")[2]: memory.get(path).mimetype for path in named}
    assert types == {
        "css": "text/css",
        "js": "text/javascript",
        "png": "image/png",
        "json": "application/json",
    }
    assert all(memory.get(path).status_code == 200 for path in named)
    assert memory.get("/docs/").status_code == 200


def test_api_page_references_no_other_host(memory: FlaskClient) -> None:
    for path in ("/docs", "/docs/page.js", "/docs/page.css"):
        text = memory.get(path).get_data(as_text=True)
        assert not re.search(
            r"(?:https?:)?//(?=[\w\[])(?!\s)", re.sub(r"^\s*//.*$|\s//\s.*$", "", text, flags=re.MULTILINE)
        )
        assert "@import" not in text
    script = memory.get("/docs/page.js").get_data(as_text=True)
    assert 'url: "/openapi.json"' in script
    assert "validatorUrl: null" in script  # it would send the description to another host
    # No token outlives the page, and no URL parameter selects the API.
    for word in ("persistAuthorization", "localStorage", "sessionStorage", "cookie", "queryConfigEnabled"):
        assert word not in script
    assert all("://" not in server["url"] for server in memory.get("/openapi.json").get_json()["servers"])


def test_api_page_stylesheet_loads_no_external_resource(memory: FlaskClient) -> None:
    text = memory.get("/docs/swagger-ui.css").get_data(as_text=True)
    assert set(re.findall(r"url\(\s*[\"']?([a-z]+:|//)", text)) <= {"data:"}


def test_api_page_csp_allows_no_external_or_inline_script(memory: FlaskClient) -> None:
    answer = memory.get("/docs")
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert answer.headers.getlist("Content-Security-Policy") == [POLICY]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "http" not in POLICY
    assert "*" not in POLICY
    text = answer.get_data(as_text=True)
    assert re.findall(r"<script(?![^>]* src=)[^>]*>", text) == []
    assert not re.search(r"\son\w+=|javascript:|<style|\sstyle=", text)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "__init__.py",
        "page.html",
        "page.py",
        "PAGE.JS",
        "page.js.map",
        "swagger-ui.js",
        "index.html",
        "oauth2-redirect.html",
        "page.js/",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "../app.py",
        "..\\app.py",
        "....//app.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "page.js%00",
        "dist/swagger-ui.css",
        ".env",
    ],
)
def test_api_page_serves_no_other_file(memory: FlaskClient, name: str) -> None:
    answer = memory.get(f"/docs/{name}", follow_redirects=True)
    served = answer.status_code == 200
    assert not served or name == "page.js/"
    assert served or answer.get_json()["code"] == "not_found"


def test_files_are_cached_and_the_page_is_not(memory: FlaskClient) -> None:
    first = memory.get("/docs/swagger-ui-bundle.js")
    assert first.headers["Cache-Control"] == "public, max-age=86400"
    again = memory.get("/docs/swagger-ui-bundle.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert memory.get("/docs").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("enabled", "status"), [(None, 404), ("false", 404), ("true", 200)])
def test_api_page_in_production_requires_docs_enabled(enabled: str | None, status: int) -> None:
    settings = load(
        DOCS_ENABLED=enabled, DATABASE_URI="sqlite:////srv/auth/auth.db", RATE_LIMIT_ENABLED="false"
    )
    app = create_app(settings=settings)
    client = app.test_client()
    for path in ("/docs", "/docs/page.js", "/docs/swagger-ui-bundle.js", "/openapi.json"):
        assert client.get(path).status_code == status
    assert client.get("/docs/nothing").status_code == 404
    shut_down(app)


def test_description_contains_important_error_codes(memory: FlaskClient) -> None:
    text = memory.get("/openapi.json").get_data(as_text=True)
    for code in ("invalid_credentials", "rate_limited", "busy", "refresh_token_reused", "unavailable"):
        assert f'"{code}"' in text
