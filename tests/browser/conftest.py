"""Fixtures of the tests in a real browser: one browser and one service for the package.

They stop before the tests of another package: Playwright runs an event loop in the thread of the tests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.chromium import INSTALL, chromium

if TYPE_CHECKING:  # requirements.txt alone does not bring playwright
    from playwright.sync_api import Browser, Page

    from tests.support.screens import Site


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    from tests.support.screens import launched

    path = chromium()
    if path is None:
        pytest.skip(INSTALL)
    with launched(path) as started:
        yield started


@pytest.fixture(scope="package")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Site"]:
    from tests.support.screens import running

    with running(sqlite_template, tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Yield the messages recorded by the test's pages; fail if there are any at its end."""
    from tests.support.screens import faults

    found: list[str] = []
    yield found
    assert not faults(found), faults(found)


@pytest.fixture
def screen(browser: "Browser", site: "Site", complaints: list[str]) -> Iterator["Page"]:
    """Return a page at desktop size; paths are relative to the service."""
    from tests.support.screens import DESKTOP, opened

    context = browser.new_context(viewport=DESKTOP, base_url=site.url)
    yield opened(context, complaints)
    context.close()


@pytest.fixture
def other(browser: "Browser", site: "Site", complaints: list[str]) -> Iterator["Page"]:
    """Return a page of a second browser profile."""
    from tests.support.screens import DESKTOP, opened

    context = browser.new_context(viewport=DESKTOP, base_url=site.url)
    yield opened(context, complaints)
    context.close()
