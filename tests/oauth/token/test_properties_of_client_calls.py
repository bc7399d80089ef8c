"""No byte string that a client sends is a 5xx. Properties."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oauth.token import pkce
from tests.support.memory_apps import memory_app
from tests.support.oauth import client_row

PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/userinfo")
NAMES = ("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "token")
KINDS = ("authorization_code", "refresh_token", "password", "")
FORMS = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=200), max_size=6)


@pytest.fixture(scope="module")
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        client_row(app, "spa", kind="spa")
        yield app.test_client()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), header=st.text(st.characters(max_codepoint=255), max_size=80))
@example(body=b"client_id=spa&grant_type=refresh_token&refresh_token=%C3%28", header="")
def test_no_bytes_are_a_5xx(memory: FlaskClient, body: bytes, header: str) -> None:
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    if header and not set(header) & {"\r", "\n"}:
        sent["Authorization"] = header
    for path in PATHS:
        assert memory.post(path, data=body, headers=sent).status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=FORMS, kind=st.sampled_from(KINDS))
def test_no_form_of_an_authenticated_client_is_a_5xx(
    memory: FlaskClient, form: dict[str, str], kind: str
) -> None:
    sent = {name: value.encode("utf-8", "replace") for name, value in form.items()}
    sent |= {"client_id": b"spa", "grant_type": kind.encode()}
    for path in PATHS:
        assert memory.post(path, data=sent).status_code < 500


@given(verifier=st.text(max_size=140), challenge=st.text(max_size=60))
def test_random_texts_match_no_challenge(verifier: str, challenge: str) -> None:
    assert not pkce.matches(verifier, challenge)
