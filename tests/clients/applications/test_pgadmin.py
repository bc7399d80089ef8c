"""pgAdmin in server mode with the printed configuration, in Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.app_screens import allow
from tests.support.client_packages import python_with
from tests.support.provider import Person, Provider, running_client
from tests.support.screen_steps import fill_login, submit
from tests.support.server import free_port
from tests.support.service import PASSWORD

pytestmark = pytest.mark.nightly  # its packages are large
# What its documentation asks for besides, to run from packages of Python.
SERVER = """
SERVER_MODE = True
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = {port}
DATA_DIR = "{folder}"
LOG_FILE = "{folder}/pgadmin4.log"
SQLITE_PATH = "{folder}/pgadmin4.db"
SESSION_DB_PATH = "{folder}/sessions"
STORAGE_DIR = "{folder}/storage"
AZURE_CREDENTIAL_CACHE_DIR = "{folder}/azure"
KERBEROS_CCACHE_DIR = "{folder}/kerberos"
UPGRADE_CHECK_ENABLED = False
MASTER_PASSWORD_REQUIRED = False
"""


@pytest.fixture
def pgadmin(issuer: Provider, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a pgAdmin that is configured as printed."""
    url = f"http://127.0.0.1:{free_port()}"
    added = issuer.command("clients", "add", "databases", "--preset", "pgadmin", "--uri", url)
    server = SERVER.format(port=url.rpartition(":")[2], folder=tmp_path)
    (tmp_path / "config_local.py").write_text(server + added["snippet"])
    environ = {
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "PGADMIN_SETUP_EMAIL": "operator@example.com",
        "PGADMIN_SETUP_PASSWORD": PASSWORD,
    }
    words = [str(python_with("pgadmin.txt", tmp_path_factory)), "-m", "pgadmin4.pgAdmin4"]
    with running_client(words, url, tmp_path, environ):
        yield url


def test_printed_configuration_of_pgadmin_logs_in(browser: Browser, person: Person, pgadmin: str) -> None:
    page = browser.new_context().new_page()
    page.goto(pgadmin)
    page.get_by_role("button", name=re.compile("databases")).click()
    fill_login(page, person.address)
    submit(page, "Log In")
    allow(page)
    page.wait_for_url(f"{pgadmin}/browser/")
    expect(page.get_by_text(person.address).first).to_be_visible(timeout=30_000)
