"""The warning that people use another origin than `PUBLIC_URL`, as behind a proxy without the setting."""

import pytest

from tests.conftest import AppFactory
from tests.support.service import login, register

PROXY, OWN, APPLICATION = "http://localhost:5173", "http://localhost:8000", "https://app.example.com"


def calls(make_app: AppFactory, origin: str | None, site: str = "same-origin") -> list[int]:
    """Log in twice with cookies from pages of this origin; return the status of each call."""
    client = make_app({"CORS_ORIGINS": APPLICATION}).test_client()
    register(client)
    headers = {"Sec-Fetch-Site": site} | ({"Origin": origin} if origin else {})
    return [login(client, token_delivery="cookie", headers=headers).status_code for _ in range(2)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "WARNING"]


def test_call_from_another_origin_than_public_url_is_logged_once_without_the_origin(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    assert calls(make_app, PROXY) == [200, 200]
    assert warnings(caplog) == ["pages used at another origin than PUBLIC_URL"]
    assert all("5173" not in str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize("origin", [OWN, APPLICATION, "null", None])
def test_call_from_a_configured_origin_is_not_logged(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture, origin: str | None
) -> None:
    assert calls(make_app, origin) == [200, 200]
    assert warnings(caplog) == []


def test_refused_call_of_another_site_is_not_logged(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    assert calls(make_app, "https://evil.example.com", "cross-site") == [403, 403]
    assert warnings(caplog) == []
