"""The rules of the guides of frontends that need no browser."""

import re

import pytest
from flask import Flask

from pages.routes import FORMS, PLAIN
from tests.support.documents import files_of, section
from tests.support.project import ROOT

# The service's own tools, its icon, and the root, which is the application.
NOT_PASSED_ON = re.compile(r"/|/favicon\.ico|/(docs|health|metrics|openapi\.json)(/.*)?")
# What is the same in every application, and copied: markup.
NOT_COUNTED = ("index.html",)


@pytest.mark.parametrize("name", ["react-proxy", "react-elsewhere", "plain-proxy", "plain-elsewhere"])
def test_own_code_of_a_guide_has_fifteen_lines_at_most(name: str) -> None:
    files = {path: text for path, text in files_of(name).items() if path not in NOT_COUNTED}
    lines = [line for text in files.values() for line in text.splitlines()]
    assert sum(bool(line.strip()) for line in lines) <= 15


def test_own_code_of_the_guide_of_next_js_has_fifteen_lines_at_most() -> None:
    files = files_of("nextjs-files")
    printed = files.pop("app/api/auth/[...nextauth]/route.ts")
    configuration = (ROOT / "oauth/clients/snippets/nextjs.txt").read_text()
    assert all(f"//   {line}\n" in configuration for line in printed.splitlines())
    check = section("nextjs-check").strip().splitlines()[1:-1]
    lines = [line for text in files.values() for line in text.splitlines()] + check
    assert sum(bool(line.strip()) for line in lines) <= 15


def passed_on(name: str) -> re.Pattern[str]:
    """Return which paths the proxy of a guide passes on."""
    text = section(name)
    if name != "react-proxy":
        return re.compile(re.findall(r"(\^/\(auth\S+)", text)[0])
    pages, service = re.findall(r'const pages = "(.*)";\nconst service = `(.*)`;', text)[0]
    return re.compile(service.replace("${pages}", pages))


@pytest.mark.parametrize("name", ["react-proxy", "plain-proxy", "plain-nginx"])
def test_proxy_passes_every_page_and_call_of_the_service_on(name: str, app: Flask) -> None:
    service = passed_on(name)
    for rule in app.url_map.iter_rules():
        wanted = not NOT_PASSED_ON.fullmatch(rule.rule)
        assert bool(service.match(rule.rule)) is wanted, rule.rule
    for path in (*FORMS, *PLAIN):
        assert service.match(path)
    for path in (
        "/",
        "/src/App.jsx",
        "/app.js",
        "/auth-client.js",
        "/@vite/client",
        "/loginform",
        "/accounts",
        "/node_modules/.vite/deps/react.js",
    ):
        assert not service.match(path), path


def test_vite_which_matches_addresses_with_their_query_passes_them_on() -> None:
    assert passed_on("react-proxy").match("/login?next=/")
    assert (ROOT / "sdk/js/package.json").exists()


def test_every_guide_makes_an_application_in_a_folder_of_its_own() -> None:
    made = [
        re.findall(r"^(?:mkdir|np\S .*@latest) (\S+)", section(name), re.MULTILINE)
        for name in ("react-make", "plain-client", "nextjs-make")
    ]
    assert all(len(folders) == 1 for folders in made), made
    assert len({folder for folders in made for folder in folders}) == len(made)
