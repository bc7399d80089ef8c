"""Pages of errors are rendered once and kept: what each answer has of its own, and what is never shared."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.support.authorization_requests import BROWSES, CALLBACK, authorization_query
from tests.support.oauth import client_row
from utils.languages.catalogue import shipped

UNKNOWN = f"/oauth/authorize?{authorization_query(client_id='unknown')}"


def page_of(client: FlaskClient, path: str, **how: Any) -> tuple[str, str]:
    """Return a page without the id of its request, and that id."""
    answer = client.get(path, headers=BROWSES | how)
    assert answer.mimetype == "text/html"
    number = answer.headers["X-Request-Id"]
    text = answer.get_data(as_text=True)
    assert text.count(number) == 1
    return text.replace(number, ""), number


def test_kept_page_has_the_request_id_of_each_answer(client: FlaskClient) -> None:
    for path in (UNKNOWN, "/nothing-here"):
        (first, one), (second, other) = page_of(client, path), page_of(client, path)
        assert first == second
        assert one != other


def test_kept_page_shows_nothing_of_the_query_of_another_request(client: FlaskClient) -> None:
    plain, _ = page_of(client, UNKNOWN)
    other, _ = page_of(client, f"{UNKNOWN}&next=%2Faccount%2Fapps&reason=expired&state=mine")
    assert plain == other


def test_kept_page_is_of_one_language_and_look(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    plain, _ = page_of(client, UNKNOWN)
    dark, _ = page_of(client, UNKNOWN, Cookie="__Host-scheme=dark")
    assert 'data-scheme="dark"' in dark
    assert 'data-scheme="dark"' not in plain
    for tag in shipped().tags:
        assert f'<html lang="{tag}"' in page_of(client, UNKNOWN, Cookie=f"__Host-lang={tag}")[0]
    assert page_of(client, UNKNOWN)[0] == plain


def test_kept_page_shows_the_values_of_its_own_request(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    for name in ("one", "<two>", "one"):
        query = authorization_query(redirect_uri=f"{CALLBACK}/{name}")
        shown, _ = page_of(client, f"/oauth/authorize?{query}")
        assert ("/one" in shown, "/&lt;two&gt;" in shown) == (name == "one", name != "one")


def test_page_is_for_callers_that_prefer_html(client: FlaskClient) -> None:
    for accept, mimetype in (
        ("text/html", "text/html"),
        ("text/*", "text/html"),
        ("application/json, text/html", "application/json"),
        ("application/json;q=0.5, text/html", "text/html"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html, " + "x/y, " * 100, "text/html"),
        ("q=;;,,", "application/json"),
    ):
        assert client.get(UNKNOWN, headers={"Accept": accept}).mimetype == mimetype, accept
