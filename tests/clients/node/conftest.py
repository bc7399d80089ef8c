"""Fixtures of the tests with clients of npm: their packages, and one service for the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import create_app
from config import Settings, TestingConfig
from tests.support.service import shut_down

if TYPE_CHECKING:  # requirements.txt alone does not bring playwright
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
