"""Logouts by an application, for tests: the call that the page makes."""

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient

from tests.support.service import bearer

PATH = "/auth/authorizations/logout"
SAME = {"Sec-Fetch-Site": "same-origin"}


def asked_to_log_out(client: FlaskClient, access: str | None, *, confirmed: Any = False, **query: str) -> Any:
    """Ask for a logout with this query; return the answer. Without a token the browser's cookies count."""
    body = {"query": urlencode(query), "confirmed": confirmed}
    answer = client.post(PATH, json=body, headers=bearer(access) if access else SAME)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()
