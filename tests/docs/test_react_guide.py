"""The rules of the guide of React with Vite that need no browser."""

import re

import pytest
from flask import Flask

from pages.routes import FORMS, PLAIN
from tests.support.documents import files_of, section
from tests.support.project import ROOT

# The service's own tools, its icon, and the root, which is the application.
NOT_PASSED_ON = re.compile(r"/|/favicon\.ico|/(docs|health|metrics|openapi\.json)(/.*)?")


@pytest.mark.parametrize("name", ["react-proxy", "react-elsewhere"])
def test_own_code_of_the_guide_has_fifteen_lines_at_most(name: str) -> None:
    lines = [line for text in files_of(name).values() for line in text.splitlines()]
    assert sum(bool(line.strip()) for line in lines) <= 15


def test_proxy_passes_every_page_and_call_of_the_service_on(app: Flask) -> None:
    written = re.findall(r'const pages = "(.*)";\nconst service = `(.*)`;', section("react-proxy"))
    pages, service = written[0]
    passed_on = re.compile(service.replace("${pages}", pages))
    for rule in app.url_map.iter_rules():
        wanted = not NOT_PASSED_ON.fullmatch(rule.rule)
        assert bool(passed_on.match(rule.rule)) is wanted, rule.rule
    for path in (*FORMS, *PLAIN):
        assert passed_on.match(f"{path}?next=/")
    for path in (
        "/",
        "/src/App.jsx",
        "/@vite/client",
        "/loginform",
        "/accounts",
        "/node_modules/.vite/deps/react.js",
    ):
        assert not passed_on.match(path), path
    assert (ROOT / "sdk/js/package.json").exists()
