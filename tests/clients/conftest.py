"""The provider, a person with an account, and Python with the clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client_packages import python_with
from tests.support.provider import Person, Provider, provider


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
