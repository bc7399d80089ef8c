"""Streamlit: `st.login` with the printed configuration, in Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.app_screens import allow
from tests.support.client_packages import python_with
from tests.support.provider import Person, Provider, running_client
from tests.support.screen_steps import fill_login, submit
from tests.support.server import free_port

pytestmark = pytest.mark.nightly  # its packages are large
APP = """
import streamlit as st

if st.user.is_logged_in:
    st.write(f"Hello {st.user.email}")
    st.button("Log out", on_click=st.logout)
else:
    st.button("Enter", on_click=st.login)
"""


@pytest.fixture
def streamlit(issuer: Provider, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an application that is configured as printed."""
    url = f"http://localhost:{free_port()}"
    added = issuer.command("clients", "add", "board", "--preset", "streamlit", "--uri", url)
    (tmp_path / ".streamlit").mkdir()
    printed = added["snippet"].replace('cookie_secret = "..."', f'cookie_secret = "{"c" * 64}"')
    (tmp_path / ".streamlit" / "secrets.toml").write_text(printed)
    (tmp_path / "app.py").write_text(APP)
    words = [str(python_with("streamlit.txt", tmp_path_factory)), "-m", "streamlit", "run", "app.py"]
    words += ["--server.port", url.rpartition(":")[2], "--server.address", "localhost"]
    words += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    with running_client(words, url, tmp_path, {"HOME": str(tmp_path)}):
        yield url


def test_printed_configuration_of_streamlit_logs_in(browser: Browser, person: Person, streamlit: str) -> None:
    page = browser.new_context().new_page()
    page.goto(streamlit)
    page.get_by_role("button", name="Enter").click()
    fill_login(page, person.address)
    submit(page, "Log In")
    allow(page)
    expect(page.get_by_text(f"Hello {person.address}")).to_be_visible(timeout=30_000)
