"""The Flask example of the resources guide, as it is written."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import AppFactory
from tests.support.documents import example
from tests.support.service import FixedClock
from tests.support.token_service import Service


@pytest.fixture
def service(make_app: AppFactory, clock: FixedClock) -> Iterator[Service]:
    made = Service(make_app, clock)
    yield made
    made.close()


def test_flask_example_refuses_a_token_within_five_seconds_of_the_logout(
    service: Service, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "s")
    parts: dict[str, Any] = {"__name__": "orders"}
    exec(example("flask-resource", {}, "provider-resources"), parts)
    parts["verifier"] = service.verifier()  # of this service, with the clock of the test
    client, header = parts["app"].test_client(), {"Authorization": service.token()}
    allowed = client.get("/orders", headers=header)
    assert (allowed.status_code, allowed.get_json()) == (200, {"orders_of": 1, "asked_by": "app"})
    service.log_out()
    clock.advance(5)
    for headers in (header, {}):
        refused = client.get("/orders", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
