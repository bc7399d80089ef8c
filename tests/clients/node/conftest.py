"""Fixtures of the tests with clients of npm: their packages, one service and one browser for the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import create_app
from bench.chromium import INSTALL, chromium
from config import Settings, TestingConfig
from tests.support.service import shut_down

if TYPE_CHECKING:  # requirements.txt alone does not bring playwright
    from playwright.sync_api import Browser, Page

    from tests.support.real_clients import Person, Provider

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the programs of this folder and the packages of its lock file."""
    from tests.support.programs import installed

    return installed(tmp_path_factory.mktemp("packages"), HERE)


@pytest.fixture(scope="package")
def provider(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Provider"]:
    from tests.support.real_clients import Provider
    from tests.support.screens import running

    folder = tmp_path_factory.mktemp("provider")
    with running(sqlite_template, folder) as site:
        given = {"DATABASE_URI": f"sqlite:///{folder / 'auth.db'}", "PUBLIC_URL": site.url}
        app = create_app(settings=Settings.load(TestingConfig, given))
        yield Provider(site, app)
        shut_down(app)


@pytest.fixture(scope="package")
def person(provider: "Provider") -> "Person":
    from tests.support.real_clients import Person

    return Person(provider.site)


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    from tests.support.screens import FLAGS

    path = chromium()
    if path is None:
        pytest.skip(INSTALL)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def screen(browser: "Browser") -> Iterator["Page"]:
    """Return a page of a new browser profile; fail on console output, script errors and violations."""
    from tests.support.screens import DESKTOP, faults, opened

    complaints: list[str] = []
    context = browser.new_context(viewport=DESKTOP)
    yield opened(context, complaints)
    context.close()
    assert not faults(complaints), faults(complaints)
