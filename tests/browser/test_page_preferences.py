"""The colour scheme of a browser: its cookie, and the page that it is served."""

from flask.testing import FlaskClient

from tests.browser.test_pages import OWN
from tests.conftest import AppFactory


def test_scheme_is_stored_in_a_cookie_and_rendered(client: FlaskClient) -> None:
    shown = {"light": "light", "dark": "dark", "auto": "light dark"}
    for chosen, supported in shown.items():
        sent = {"scheme": chosen, "back": "/terms"}
        answer = client.post("/preferences/scheme", data=sent, headers=OWN)
        assert (answer.status_code, answer.location) == (303, "/terms")
        assert f"__Host-scheme={chosen}; " in answer.headers["Set-Cookie"]
        page = client.get("/terms").get_data(as_text=True)
        assert f'<meta name="color-scheme" content="{supported}">' in page
        assert (f'data-scheme="{chosen}"' in page) == (chosen != "auto")
        assert f'<option value="{chosen}" selected>' in page
    client.set_cookie("__Host-scheme", '"><script>')
    assert 'data-scheme="light"' in client.get("/login").get_data(as_text=True)


def test_scheme_switch_refuses_other_sites_and_other_values(client: FlaskClient) -> None:
    assert client.post("/preferences/scheme", data={"scheme": "dark"}).status_code == 403
    answer = client.post(
        "/preferences/scheme", data={"scheme": "purple", "back": "//evil.example"}, headers=OWN
    )
    assert (answer.location, "Set-Cookie" in answer.headers) == ("/login", False)


def test_ui_scheme_default_is_rendered(make_app: AppFactory) -> None:
    page = make_app({"UI_SCHEME_DEFAULT": "auto"}).test_client().get("/login").get_data(as_text=True)
    assert "data-scheme" not in page
    assert '<meta name="color-scheme" content="light dark">' in page
