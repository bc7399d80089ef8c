"""The lifetime of the ticket of an authorization request."""

from flask.testing import FlaskClient

from tests.support.authorization_requests import asked, authorization_query, opened
from tests.support.service import FixedClock, signed_in
from utils.crypto.claims import CLOCK_LEEWAY

QUERY = authorization_query()


def test_ticket_lives_an_hour(client: FlaskClient, access: str, clock: FixedClock) -> None:
    ticket = opened(client, QUERY)
    clock.advance(3599)
    assert asked(client, QUERY, signed_in(client)["access_token"], ticket=ticket)["status"] == "consent"
    clock.advance(1)
    assert asked(client, QUERY, ticket=ticket)["code"] == "oauth_ticket_invalid"


def test_ticket_of_a_machine_that_is_ahead_is_taken_within_the_leeway(
    client: FlaskClient, clock: FixedClock
) -> None:
    ticket = opened(client, QUERY)
    clock.advance(-CLOCK_LEEWAY)
    assert asked(client, QUERY, ticket=ticket)["status"] == "login"
    clock.advance(-1)
    assert asked(client, QUERY, ticket=ticket)["code"] == "oauth_ticket_invalid"
