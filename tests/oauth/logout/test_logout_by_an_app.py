"""Logout by an application: when the session ends at once, when the person is asked, and where it leads.

Faults 33, 40, 44 and 45 of the provider's list.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth import tokens
from oauth.logout import request
from tests.support.grants import session_ids
from tests.support.logouts import PATH, SAME
from tests.support.logouts import asked_to_log_out as ask
from tests.support.oauth import client_row
from tests.support.service import FixedClock, bearer, login, rows, signed_in
from utils.services import services

BACK = "https://app.example.com/bye"


@pytest.fixture
def access(app: Flask, client: FlaskClient) -> str:
    client_row(app, "app", post_logout_uris=[BACK, f"{BACK}?from=auth"])
    client_row(app, "other", post_logout_uris=["https://other.example.com/"])
    return str(signed_in(client)["access_token"])


def signed(app: Flask, typ: str = "JWT", **changes: Any) -> str:
    """Return a token of this service for the client: an ID token of the first session, with changes."""
    with app.app_context():
        found = services()
        now = found.clock.now()
        session = changes.pop("session", None) or session_ids(app)[0]
        audience = str(changes.get("aud", "app"))
        claims = {
            "aud": "app",
            "sub": "1",
            "sid": tokens.sid(session, audience),
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
        }
        text = found.signer.sign(found, "RS256", typ, claims | changes)
        found.tx().commit()
        return text


def living(app: Flask) -> int:
    return len(session_ids(app))


def test_hint_of_this_session_ends_it_at_once_and_goes_back_with_the_state(
    app: Flask, client: FlaskClient, access: str
) -> None:
    hint = signed(app)
    answer = ask(client, access, id_token_hint=hint, post_logout_redirect_uri=BACK, state="a b&c=\r\nd")
    assert answer == {
        "status": "redirect",
        "app": "App",
        "redirect_to": f"{BACK}?state=a+b%26c%3D%0D%0Ad",
        "host": "app.example.com",
    }
    assert living(app) == 0
    assert rows(app, "SELECT end_reason FROM sessions") == [{"end_reason": "signed_out"}]


def test_state_joins_the_query_of_the_address(app: Flask, client: FlaskClient, access: str) -> None:
    back = f"{BACK}?from=auth"
    answer = ask(client, access, id_token_hint=signed(app), post_logout_redirect_uri=back, state="s")
    assert answer["redirect_to"] == f"{back}&state=s"


def test_expired_hint_counts(app: Flask, client: FlaskClient, clock: FixedClock, access: str) -> None:
    hint = signed(app, exp=int(clock.now().timestamp()) - 3600)
    assert ask(client, access, id_token_hint=hint, post_logout_redirect_uri=BACK)["status"] == "redirect"
    assert living(app) == 0


def test_request_without_a_hint_ends_nothing_until_it_is_confirmed(
    app: Flask, client: FlaskClient, access: str
) -> None:
    query = {"client_id": "app", "post_logout_redirect_uri": BACK}
    assert ask(client, access, **query) == {"status": "confirm", "app": "App"}
    assert living(app) == 1
    answer = ask(client, access, confirmed=True, **query)
    # A link, not a jump: nothing proves that the person came from there.
    assert answer == {"status": "done", "app": "App", "redirect_to": BACK, "host": "app.example.com"}
    assert living(app) == 0


def test_hint_of_another_session_of_the_person_asks_and_then_goes_back(
    app: Flask, client: FlaskClient, access: str
) -> None:
    hint = signed(app)
    second = login(app.test_client()).get_json()["access_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": BACK}
    assert ask(client, second, **query)["status"] == "confirm"
    assert living(app) == 2
    assert ask(client, second, confirmed=True, **query)["status"] == "redirect"
    assert living(app) == 1


def test_hint_of_another_person_asks_and_offers_a_link_only(
    app: Flask, client: FlaskClient, access: str
) -> None:
    hint = signed(app)
    theirs = signed_in(app.test_client(), "bob")["access_token"]
    query = {"id_token_hint": hint, "post_logout_redirect_uri": BACK}
    assert ask(client, theirs, **query)["status"] == "confirm"
    assert ask(client, theirs, confirmed=True, **query)["status"] == "done"
    assert living(app) == 1  # the session of the hint goes on
    assert access


@pytest.mark.usefixtures("access")
def test_valid_hint_without_a_session_here_goes_back(app: Flask) -> None:
    stranger = app.test_client()
    query = {"id_token_hint": signed(app), "post_logout_redirect_uri": BACK}
    assert ask(stranger, None, **query)["status"] == "redirect"
    assert ask(stranger, None, post_logout_redirect_uri=BACK, client_id="app")["status"] == "done"
    assert ask(stranger, None) == {"status": "done"}
    assert living(app) == 1


HINTS: dict[str, dict[str, Any]] = {
    "an access token": {"typ": "at+jwt"},
    "a logout token": {"typ": "logout+jwt"},
    "of another client": {"aud": "other"},
    "of an unknown client": {"aud": "nobody"},
    "of several clients": {"aud": ["app"]},
    "without a session": {"sid": None},
    "of another person": {"sub": "2"},
}


@pytest.mark.parametrize("changes", HINTS.values(), ids=HINTS)
def test_hint_that_is_not_of_this_client_and_session_ends_nothing(
    app: Flask, client: FlaskClient, access: str, changes: dict[str, Any]
) -> None:
    session = session_ids(app)[0]
    sid = tokens.sid(session, "app")
    hint = (
        signed(app, **({"sid": sid} | changes)) if changes.get("aud") != "other" else signed(app, **changes)
    )
    query = {"client_id": "app", "id_token_hint": hint}
    assert ask(client, access, **query)["status"] == "confirm"
    assert living(app) == 1


def test_forged_hint_ends_nothing(app: Flask, client: FlaskClient, access: str) -> None:
    head, body, mac = signed(app).split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}.{mac[::-1]}", f"{body}.{head}.{mac}", "x", access):
        assert ask(client, access, id_token_hint=forged)["status"] == "confirm"
    assert living(app) == 1


NEAR_MISSES = [
    f"{BACK}/",
    f"{BACK}?",
    f"{BACK}#",
    f"{BACK}?from=auth&x=1",
    f"{BACK}.evil.example",
    "https://APP.example.com/bye",
    "https://app.example.com:443/bye",
    "https://app.example.com/%62ye",
    "https://app.example.com/x/../bye",
    "http://app.example.com/bye",
    "https://user@app.example.com/bye",
    "https://app.example.com",
    "https://other.example.com/",
    f"{BACK}\r\nSet-Cookie: a=b",
    f" {BACK}",
    "javascript:alert(1)",
    "//evil.example/",
    "",
]


@pytest.mark.parametrize("address", NEAR_MISSES)
def test_fault_44_unregistered_post_logout_address_is_neither_followed_nor_shown(
    app: Flask, client: FlaskClient, access: str, address: str
) -> None:
    answer = ask(client, access, id_token_hint=signed(app), post_logout_redirect_uri=address)
    assert answer == {"status": "done", "app": "App"}
    assert living(app) == 0


def test_repeated_parameter_makes_the_request_ask(app: Flask, client: FlaskClient, access: str) -> None:
    query = urlencode([("id_token_hint", signed(app)), ("client_id", "app"), ("client_id", "app")])
    answer = client.post(PATH, json={"query": query}, headers=bearer(access))
    assert answer.get_json() == {"status": "confirm"}


@pytest.mark.parametrize("query", ["", "%ff", "a=%ff", "=&=&", "x" * 16384, "&" * 5000])
def test_query_of_any_form_is_answered(client: FlaskClient, access: str, query: str) -> None:
    answer = client.post(PATH, json={"query": query}, headers=bearer(access))
    assert answer.status_code in {200, 400}


def test_fault_45_get_ends_nothing_and_is_the_same_for_everyone(
    app: Flask, client: FlaskClient, access: str
) -> None:
    query = urlencode({"id_token_hint": signed(app), "post_logout_redirect_uri": BACK})
    answer = client.get(f"/oauth/logout?{query}", headers=bearer(access))
    stranger = app.test_client().get(f"/oauth/logout?{query}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.get_data() == stranger.get_data()
    assert living(app) == 1


def test_post_leads_to_the_same_request_by_get(client: FlaskClient, access: str) -> None:
    form = {"id_token_hint": "x", "state": "a\r\nb"}
    answer = client.post("/oauth/logout", data=form, headers=bearer(access))
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/oauth/logout?id_token_hint=x&state=a%0D%0Ab")


def test_refresh_cookie_proves_the_session_and_is_deleted(
    app: Flask, client: FlaskClient, access: str
) -> None:
    browser = app.test_client()
    assert login(browser, token_delivery="cookie", headers=SAME).status_code == 200
    assert ask(browser, None)["status"] == "confirm"
    answer = browser.post(PATH, json={"confirmed": True}, headers=SAME)
    assert answer.get_json() == {"status": "done"}
    assert any(each.startswith("__Host-refresh=;") for each in answer.headers.getlist("Set-Cookie"))
    assert living(app) == 1


def test_call_with_a_cookie_from_another_site_is_refused(
    app: Flask, client: FlaskClient, access: str
) -> None:
    browser = app.test_client()
    login(browser, token_delivery="cookie", headers=SAME)
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = browser.post(PATH, json={"confirmed": True}, headers=evil)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_site_refused")
    assert living(app) == 2


def test_fault_of_a_registered_client_is_recorded_for_operators(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    evil = "https://evil.example/"
    ask(client, access, client_id="app", post_logout_redirect_uri=evil)
    clock.advance(1)
    ask(client, access, client_id="app", id_token_hint="x")
    ask(client, access, client_id="nobody", post_logout_redirect_uri=evil)
    found = rows(app, "SELECT client_id, step, reason, detail FROM oauth_refusals ORDER BY reason")
    assert [tuple(each.values()) for each in found] == [
        ("app", "logout", "hint_invalid", ""),
        ("app", "logout", "logout_redirect_unknown", f"asked for {evil}"),
    ]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://app.example.com/bye", "//evil.example/"])
def test_registered_post_logout_address_against_the_rules_is_not_followed(app: Flask, address: str) -> None:
    client_row(app, "changed", post_logout_uris=[address, BACK])
    with app.app_context():
        for asked, led in ((address, None), (BACK, BACK)):
            query = urlencode({"client_id": "changed", "post_logout_redirect_uri": asked})
            assert request.read(services(), services().tx(), query).redirect_to == led
