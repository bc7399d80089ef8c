"""The revocation feed: what a resource is told, and that nothing which ends is missed."""

import base64
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import MAX_ACCESS_TOKEN_LIFETIME
from models import db
from oauth.feed import cursors
from oauth.stores import endings
from tests.conftest import AppFactory
from tests.support.grants import RESOURCE, end_bound, grant_row, resource_row, session_ids
from tests.support.oauth import SECRET, client_row
from tests.support.service import FixedClock, at_once, bearer, execute, signed_in

pytestmark = pytest.mark.both_databases(slow=True)


def basic(client_id: str = "api", secret: str = SECRET) -> dict[str, str]:
    text = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


def feed(client: FlaskClient, after: str | None = None, **as_client: Any) -> Any:
    query = {} if after is None else {"after": after}
    answer = client.get("/oauth/revocations", query_string=query, headers=basic(**as_client))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def gids(answer: Any) -> list[str]:
    return [each["gid"] for each in answer["ended"]]


@pytest.fixture
def access(app: Flask, client: FlaskClient) -> str:
    client_row(app, "app")
    client_row(app, "api", kind="resource")
    resource_row(app, "api")
    return str(signed_in(client)["access_token"])


def test_feed_names_grants_that_ended_and_nothing_of_whose_they_were(
    app: Flask, client: FlaskClient, clock: FixedClock, access: str
) -> None:
    gid = grant_row(app, session_ids(app)[0], resource=RESOURCE)
    assert feed(client)["ended"] == []
    client.post("/auth/logout", headers=bearer(access))
    answer = feed(client)
    assert answer == {
        "ended": [{"gid": str(gid), "at": int(clock.now().timestamp())}],
        "leaked_keys": [],
        "cursor": answer["cursor"],
        "more": False,
        "poll_after": 3,
        "lives": 3600,
    }


@pytest.mark.both_databases
@pytest.mark.usefixtures("access")
def test_feed_tells_a_resource_of_grants_for_itself_only(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    client_row(app, "other", kind="resource")
    resource_row(app, "other", "https://other.example.com")
    (session,) = session_ids(app)
    mine = grant_row(app, session, resource=RESOURCE)
    grant_row(app, session, resource="https://other.example.com")
    grant_row(app, session)  # for userinfo
    end_bound(app, session)
    assert gids(feed(client)) == [str(mine)]
    assert len(gids(feed(client, client_id="other"))) == 1
    clock.advance(30)
    assert cursors.read(feed(client)["cursor"]).known == 1


@pytest.mark.usefixtures("access")
def test_feed_repeats_five_seconds_and_the_minute_after_a_late_commit(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    gid = str(grant_row(app, session, resource=RESOURCE))
    cursor = feed(client)["cursor"]
    end_bound(app, session)
    for expected in ([gid], [gid], [gid], [], []):  # the third cursor is of three seconds after the ending
        answer = feed(client, cursor)
        assert gids(answer) == expected
        cursor = answer["cursor"]
        clock.advance(3)
    late = grant_row(app, session, resource=RESOURCE, ended_at=clock.now() - timedelta(seconds=50))
    assert gids(feed(client, cursor)) == [str(late), gid]
    assert gids(feed(client)) == [str(late), gid]


@pytest.mark.usefixtures("access")
def test_ending_that_is_held_open_over_two_polls_is_told_by_the_next_one(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    gid = str(grant_row(app, session, resource=RESOURCE))
    answer = feed(client)
    with app.app_context():
        endings.end_bound(db.session(), [session], clock.now())
        for _ in range(2):
            clock.advance(3)
            answer = at_once([partial(feed, client, answer["cursor"])])[0]  # has a session of its own
            assert gids(answer) == []
        db.session.commit()
    clock.advance(3)
    assert gids(feed(client, answer["cursor"])) == [gid]


def test_feed_names_a_grant_for_the_longest_lifetime_that_the_setting_allows(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """Its tokens may be of a time when the setting was higher."""
    app = make_app({"OAUTH_ACCESS_TOKEN_LIFETIME": "60"})
    client = app.test_client()
    client_row(app, "app")
    client_row(app, "api", kind="resource")
    resource_row(app, "api")
    signed_in(client)
    gid = grant_row(app, session_ids(app)[0], resource=RESOURCE)
    clock.advance(1800)
    end_bound(app, session_ids(app)[0])
    clock.advance(1800)
    answer = feed(client)
    assert (gids(answer), answer["lives"]) == ([str(gid)], MAX_ACCESS_TOKEN_LIFETIME)


@pytest.mark.usefixtures("access")
def test_feed_forgets_grants_whose_access_tokens_have_expired(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    grant_row(app, session, resource=RESOURCE)
    end_bound(app, session)
    clock.advance(3599)
    assert len(gids(feed(client))) == 1
    clock.advance(62)
    assert gids(feed(client)) == []


@pytest.mark.usefixtures("access")
def test_feed_leaves_out_grants_that_issued_no_token_lately(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    grant_row(app, session, resource=RESOURCE)
    clock.advance(3660)
    end_bound(app, session)
    assert gids(feed(client)) == []


@pytest.mark.usefixtures("access")
def test_feed_names_leaked_keys(app: Flask, client: FlaskClient) -> None:
    services = app.extensions["auth_services"]
    with app.app_context():
        services.signer.sign(services, "ES256", "at+jwt", {"iat": 1, "exp": 2})
        services.tx().commit()
    execute(app, "UPDATE signing_keys SET leaked_at = created_at WHERE alg = 'ES256'")
    assert len(feed(client)["leaked_keys"]) == 1


@pytest.mark.parametrize("cursor", ["x", "AAAA", "A" * 24, "A" * 56, "A" * 57, "AQAH" + "_" * 20])
@pytest.mark.usefixtures("access")
def test_feed_refuses_a_cursor_that_it_did_not_make(client: FlaskClient, cursor: str) -> None:
    answer = client.get("/oauth/revocations", query_string={"after": cursor}, headers=basic())
    assert answer.status_code == 400


@pytest.mark.usefixtures("access")
def test_cursor_of_a_clock_that_was_ahead_hides_nothing(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    (session,) = session_ids(app)
    gid = str(grant_row(app, session, resource=RESOURCE))
    clock.advance(3600)
    cursor = feed(client)["cursor"]
    clock.advance(-3600)
    end_bound(app, session)
    assert gids(feed(client, cursor)) == [gid]


@pytest.mark.usefixtures("access")
def test_feed_is_for_authenticated_resources_only(app: Flask, client: FlaskClient) -> None:
    assert client.get("/oauth/revocations").status_code == 401
    assert client.get("/oauth/revocations", headers=basic(secret="wrong")).status_code == 401
    refused = client.get("/oauth/revocations", headers=basic("app"))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "oauth_not_a_resource")
