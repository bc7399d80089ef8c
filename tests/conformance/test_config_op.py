"""The plan for Config OP (oidcc-config-certification-test-plan), and the discovery of the two for logout."""

from typing import Any

import pytest

from oauth.metadata.content import content
from tests.conftest import AppFactory
from tests.support.oauth import client_row

ISSUER = "https://login.example.com"


@pytest.fixture
def document(make_app: AppFactory) -> dict[str, Any]:
    """Return the metadata of a service under https, as the suite fetches it."""
    app = make_app({"PUBLIC_URL": ISSUER})
    client_row(app)
    answer = app.test_client().get("/.well-known/openid-configuration")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    keys = app.test_client().get("/oauth/jwks").get_json()["keys"]
    assert all({"kid", "kty", "alg"} <= {*key} and not {"d", "p", "q"} & {*key} for key in keys)
    assert {key["kty"] for key in keys} == {"RSA", "EC"}
    return found


def test_oidcc_discovery_endpoint_verification(document: dict[str, Any]) -> None:
    assert document == content(ISSUER, ("en", "de"))
    assert document["issuer"] == ISSUER
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert document[name].startswith("https://")
    assert document["response_types_supported"] == ["code"]
    assert "openid" in document["scopes_supported"]
    assert {*document["subject_types_supported"]} <= {"public", "pairwise"}
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "authorization_code" in document["grant_types_supported"]
    assert {"client_secret_basic", "client_secret_post"} <= {
        *document["token_endpoint_auth_methods_supported"]
    }
    assert {"sub", "iss", "auth_time"} <= {*document["claims_supported"]}
    assert not document["claims_parameter_supported"]
    assert not document["request_parameter_supported"]
    assert document["request_uri_parameter_supported"] is False  # not named, it would mean true


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(document: dict[str, Any]) -> None:
    assert document["end_session_endpoint"] == f"{ISSUER}/oauth/logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(document: dict[str, Any]) -> None:
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
    assert "sid" in document["claims_supported"]
