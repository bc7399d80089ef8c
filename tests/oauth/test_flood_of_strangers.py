"""A flood of hostile calls: strangers write bounded rows of refusals, and nothing else."""

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth.stores import refusals
from tests.conftest import AppFactory
from tests.support.authorization_requests import BROWSES, CALLBACK, authorization_query
from tests.support.logouts import PATH, SAME
from tests.support.oauth import SECRET, client_row
from tests.support.oauth_tokens import got
from tests.support.requests import everything
from tests.support.service import FixedClock, rows
from tests.support.small_limits import ON, limits

CALLS = 500
CLIENTS = ("app", "public", "unknown", "\x00", "")
Call = Callable[[FlaskClient, random.Random], int]


def authorize(client: FlaskClient, chance: random.Random) -> int:
    name = chance.choice(["state", "scope", "prompt", "nonce", "response_type", "code_challenge", "max_age"])
    changes: dict[str, Any] = {
        "client_id": chance.choice(CLIENTS),
        "redirect_uri": chance.choice([CALLBACK, f"{CALLBACK}/", "javascript:alert(1)", "https://evil.test"]),
        name: chance.choice(["x" * 600, "none", "none login", "-1", "\u202e\x00"]),
    }
    query = authorization_query(**changes)
    if chance.random() < 0.3:
        return client.post("/oauth/authorize", data=query, content_type=FORM).status_code
    return client.get(f"/oauth/authorize?{query}", headers=BROWSES).status_code


FORM = "application/x-www-form-urlencoded"


def token(client: FlaskClient, chance: random.Random) -> int:
    path = chance.choice(["token", "token", "token", "revoke", "introspect", "userinfo", "revocations"])
    form = {
        "client_id": chance.choice(CLIENTS),
        "client_secret": chance.choice(["wrong", SECRET[:-1], ""]),
        "grant_type": chance.choice(["authorization_code", "refresh_token", "password", "x"]),
        "code": chance.choice(["A" * 64, "x", ""]),
        "refresh_token": "A" * 76,
        "token": "A" * 76,
        "access_token": chance.choice(["e30.e30.AAAA", ""]),
    }
    return client.post(f"/oauth/{path}", data=form).status_code


def log_out(client: FlaskClient, chance: random.Random) -> int:
    query = {
        "client_id": chance.choice(CLIENTS),
        "id_token_hint": chance.choice(["e30.e30.AAAA", "x"]),
        "post_logout_redirect_uri": "https://evil.test",
    }
    return client.post(PATH, json={"query": urlencode(query)}, headers=SAME).status_code


def decide(client: FlaskClient, chance: random.Random) -> int:
    body = {"query": authorization_query(client_id=chance.choice(CLIENTS)), "ticket": "A" * 54}
    path = chance.choice(["", "/decision"])
    return client.post(f"/auth/authorizations{path}", json=body | {"allow": True}).status_code


def limited(app: Flask) -> set[str]:
    return {row["key"] for row in rows(app, "SELECT key FROM rate_limits")}


FLOODS: dict[str, tuple[list[Call], dict[str, int]]] = {
    "authorize": ([authorize, decide, log_out], {}),
    # The row of a public client has the time of its last call, written once an hour at most.
    "token": ([token], {"oauth_clients": 2}),
}


@pytest.mark.parametrize(("calls", "changed"), FLOODS.values(), ids=FLOODS)
def test_500_hostile_calls_write_bounded_refusals_and_nothing_else(
    make_app: AppFactory, clock: FixedClock, calls: list[Call], changed: dict[str, int]
) -> None:
    """Limits are on. The limit of logouts, which is that of `POST /auth/logout`, counts in the database."""
    app: Flask = make_app(ON, limiter=limits(clock))
    client_row(app)
    client_row(app, "public", kind="spa")
    got(app)  # keys, and a grant that must stay as it is
    before, chance = everything(app, "oauth_refusals", "rate_limits"), random.Random(1)
    counted, seen = limited(app), set()
    for number in range(CALLS):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"10.{number % 250}.{number // 250}.1"
        seen.add(chance.choice(calls)(client, chance))
        clock.advance(chance.choice([0, 0, 2, 61]))
    assert max(seen) < 500
    found = rows(app, "SELECT client_id, reason, count(*) AS many FROM oauth_refusals GROUP BY 1, 2")
    assert {row["client_id"] for row in found} <= {"app", "public"}
    assert max(row["many"] for row in found) == refusals.MAX_OF_REASON
    for name in ("app", "public"):
        many = sum(row["many"] for row in found if row["client_id"] == name)
        assert 0 < many <= refusals.MAX_OF_CLIENT
    after = everything(app, "oauth_refusals", "rate_limits")
    assert {name: len(after[name]) for name in after if after[name] != before[name]} == changed
    assert {key for key in limited(app) - counted if not key.startswith("logout:")} == set()
