"""The responses to generated requests: as the OpenAPI description says."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import create_app
from models import db
from tests.support.service import signed_in

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

served = create_app("testing")
described = schemathesis.openapi.from_wsgi("/openapi.json", served, config=SchemathesisConfig(seed=1))
schema = described.exclude(path="/health/ready")  # a database made without migrations is never ready


@pytest.fixture(scope="module")
def token() -> Iterator[str]:
    with served.app_context():
        db.create_all()
    yield str(signed_in(served.test_client())["access_token"])
    with served.app_context():
        db.engine.dispose()


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def conforms(case: Any, token: str) -> None:
    guarded = bool(case.operation.definition.raw.get("security"))
    headers = {"Authorization": f"Bearer {token}"} if guarded else None
    case.call_and_validate(headers=headers, checks=CHECKS)


@schema.parametrize()
@tried(3)
def test_responses_conform_to_the_description(case: Any, token: str) -> None:
    conforms(case, token)


@pytest.mark.nightly
@schema.parametrize()
@tried(10)
def test_responses_to_more_requests_conform_to_the_description(case: Any, token: str) -> None:
    conforms(case, token)
