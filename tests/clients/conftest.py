"""The provider, a person with an account, a browser, and Python with the clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.chromium import INSTALL, chromium
from tests.support.client_packages import python_with
from tests.support.provider import Person, Provider, provider

if TYPE_CHECKING:  # requirements.txt alone does not bring playwright
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="package")
def issuer(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(sqlite_template, tmp_path_factory.mktemp("provider")) as found:
        yield found


@pytest.fixture
def person(issuer: Provider) -> Person:
    return issuer.person()


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a Python with the clients of `requirements.txt`."""
    return str(python_with("requirements.txt", tmp_path_factory))


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    from tests.support.screens import launched

    path = chromium()
    if path is None:
        pytest.skip(INSTALL)
    with launched(path) as started:
        yield started


@pytest.fixture
def screen(browser: "Browser") -> Iterator["Page"]:
    """Return a page of a new browser profile; fail on console output, script errors and violations."""
    from tests.support.screens import DESKTOP, faults, opened

    complaints: list[str] = []
    context = browser.new_context(viewport=DESKTOP)
    yield opened(context, complaints)
    context.close()
    assert not faults(complaints), faults(complaints)
