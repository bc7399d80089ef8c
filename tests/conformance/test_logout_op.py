"""The plans for logout, by the names of their modules: RP-initiated, and back-channel."""

from typing import Any

import jwt
import pytest
from flask import Flask

from oauth.notices import delivery
from tests.conformance.conftest import BACK, suite_of
from tests.conftest import AppFactory
from tests.oauth.notices.test_notice_delivery import Clients
from tests.support.authorization_requests import asked, parameters_of, sent
from tests.support.conformance import Suite, suite_query
from tests.support.grants import session_ids
from tests.support.logouts import asked_to_log_out
from tests.support.oauth import REDIRECT
from tests.support.service import execute
from utils.services import services

STATE = "state of the logout"


def log_out(suite: Suite, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = asked_to_log_out(suite.browser, suite.access, **query)
    return found


def assert_logged_out(suite: Suite) -> None:
    """The suite tries `prompt=none` afterwards."""
    assert session_ids(suite.app) == []
    assert sent(asked(suite.browser, suite_query(prompt="none")))["error"] == "login_required"


def assert_asked(suite: Suite, answer: dict[str, Any]) -> None:
    """The person is asked, nothing has ended, and the answer leads nowhere."""
    assert answer["status"] == "confirm"
    assert "redirect_to" not in answer
    assert len(session_ids(suite.app)) == 1


def test_oidcc_rp_initiated_logout(suite: Suite) -> None:
    hint = suite.tokens()["id_token"]
    answer = log_out(suite, id_token_hint=hint, post_logout_redirect_uri=BACK, state=STATE)
    assert answer["status"] == "redirect"
    assert answer["redirect_to"].partition("?")[0] == BACK
    assert parameters_of(answer["redirect_to"]) == {"state": STATE}
    assert_logged_out(suite)


def test_oidcc_rp_initiated_logout_no_state(suite: Suite) -> None:
    answer = log_out(suite, id_token_hint=suite.tokens()["id_token"], post_logout_redirect_uri=BACK)
    assert (answer["status"], answer["redirect_to"]) == ("redirect", BACK)
    assert_logged_out(suite)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(suite: Suite) -> None:
    answer = log_out(suite, id_token_hint=suite.tokens()["id_token"], state=STATE)
    assert answer == {"status": "done", "app": "App"}
    assert_logged_out(suite)


@pytest.mark.parametrize(
    "address",
    [f"{BACK}/random", f"{BACK}?foo=bar"],
    ids=[
        "oidcc_rp_initiated_logout_bad_post_logout_redirect_uri",
        "oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri",
    ],
)
def test_oidcc_rp_initiated_logout_leads_to_registered_addresses_only(suite: Suite, address: str) -> None:
    hint = suite.tokens()["id_token"]
    answer = log_out(suite, id_token_hint=hint, post_logout_redirect_uri=address, state=STATE)
    assert answer == {"status": "done", "app": "App"}


def test_oidcc_rp_initiated_logout_modified_id_token_hint(suite: Suite) -> None:
    claims = jwt.decode(suite.tokens()["id_token"], options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none")
    assert_asked(suite, log_out(suite, id_token_hint=unsigned, post_logout_redirect_uri=BACK, state=STATE))


def test_oidcc_rp_initiated_logout_bad_id_token_hint(suite: Suite) -> None:
    token = suite.tokens()["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    forged = jwt.encode(claims, "secret of the suite" * 3, algorithm="HS256", headers=headers)
    assert_asked(suite, log_out(suite, id_token_hint=forged, post_logout_redirect_uri=BACK, state=STATE))


@pytest.mark.parametrize(
    "query",
    [{"post_logout_redirect_uri": BACK, "state": STATE}, {"state": STATE}, {}],
    ids=[
        "oidcc_rp_initiated_logout_no_id_token_hint",
        "oidcc_rp_initiated_logout_only_state",
        "oidcc_rp_initiated_logout_no_params",
    ],
)
def test_oidcc_rp_initiated_logout_without_a_hint_asks(suite: Suite, query: dict[str, str]) -> None:
    suite.tokens()
    assert_asked(suite, log_out(suite, **query))
    answer = asked_to_log_out(suite.browser, suite.access, confirmed=True, **query)
    assert answer == {"status": "done", "apps": ["App"]}  # it has no back-channel address
    assert_logged_out(suite)


def test_oidcc_backchannel_rp_initiated_logout(make_app: AppFactory) -> None:
    clients = Clients()
    app: Flask = make_app(fetch=clients)
    suite = suite_of(app, app.test_client())
    address = REDIRECT.replace("/cb", "/backchannel_logout")
    execute(app, "UPDATE oauth_clients SET backchannel_uri = :address WHERE id = 'app'", address=address)
    body = suite.tokens()
    claims = suite.id_token(body["id_token"])
    answer = log_out(suite, id_token_hint=body["id_token"], post_logout_redirect_uri=BACK, state=STATE)
    assert answer["status"] == "redirect"
    with app.app_context():
        assert delivery.try_next(services()) == "sent"
    ((url, told),) = clients.told
    assert url == address
    assert {name: told[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: claims[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert {"iat", "jti", "exp"} <= {*told}
    assert "nonce" not in told
    assert suite.id_token(clients.headers[0]["token"], nonce=None)  # signed by a published key
    assert_logged_out(suite)
