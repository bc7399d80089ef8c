"""Pages with an address of another site to return to, without a browser."""

from urllib.parse import quote

import pytest
from markupsafe import escape

from tests.conftest import AppFactory
from tests.support.service import login, me, register

OWN = {"Sec-Fetch-Site": "same-origin"}
RETURNS = {"RETURN_ORIGINS": "https://app.example.com"}
THERE = "https://app.example.com/cart?id=1&b=%2F"


def test_pages_keep_a_return_address_and_add_nothing_to_it(make_app: AppFactory) -> None:
    client = make_app(RETURNS).test_client()
    for path in ("/login", "/signup"):
        page = client.get(path, query_string={"next": THERE}).get_data(as_text=True)
        assert f'name="next" value="{escape(THERE)}"' in page
        assert f"?next={quote(THERE, safe='')}" in page  # the links between the two
    blocked = client.get("/login/cookies", query_string={"next": THERE}).get_data(as_text=True)
    assert f'href="{escape(THERE)}"' in blocked
    assert "app.example.com asked for your login" in blocked
    hostile = client.get("/login", query_string={"next": "https://evil.example/"}).get_data(as_text=True)
    assert "evil.example" not in hostile


def test_get_of_the_logout_page_ends_nothing(make_app: AppFactory) -> None:
    client = make_app(RETURNS).test_client()
    register(client)
    done = login(client, token_delivery="cookie", headers=OWN)
    page = client.get("/logout", query_string={"next": THERE}, headers=OWN)
    assert page.status_code == 200
    assert f'data-return="{escape(THERE)}"' in page.get_data(as_text=True)
    assert me(client, done.get_json()["access_token"]).status_code == 200
    hostile = client.get("/logout", query_string={"next": "https://evil.example/"}).get_data(as_text=True)
    assert "evil.example" not in hostile
    assert "data-return" not in hostile
    out = client.post("/logout", query_string={"next": THERE}, headers=OWN)
    assert out.location == f"/login?reason=logged_out&next={quote(THERE, safe='')}"
    assert me(client, done.get_json()["access_token"]).status_code == 401
    out = client.post("/logout", query_string={"next": "//evil.example"}, headers=OWN)
    assert out.location == "/login?reason=logged_out"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            "https://app.example.com:8443/secret",
            "it is on the host of https://app.example.com, with another scheme or port",
        ),
        (
            "http://app.example.com/secret",
            "it is on the host of https://app.example.com, with another scheme or port",
        ),
        ("https://evil.example/secret", "its origin is not in RETURN_ORIGINS"),
        ("//evil.example/secret", "it is no path that requires a login"),
        ("https://app.example.com/secret\nnext", "it is no path that requires a login"),
    ],
)
def test_log_says_why_a_return_address_is_not_used_and_repeats_no_part_of_it(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture, given: str, reason: str
) -> None:
    make_app(RETURNS).test_client().get("/login", query_string={"next": given})
    (line,) = [each for each in caplog.records if each.msg == "return address not used"]
    assert vars(line)["error"] == reason


def test_log_of_a_return_address_that_is_used_has_no_reason(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    for given in (THERE, "/account/security", None):
        make_app(RETURNS).test_client().get("/login", query_string={"next": given} if given else {})
    assert "return address not used" not in caplog.messages
