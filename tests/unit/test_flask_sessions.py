"""Flask's cookie session: off with a clear error, on with `FLASK_SESSIONS`."""

from collections.abc import Callable

import pytest
from flask import Flask, session

from tests.conftest import AppFactory
from utils.web.flask_sessions import OFF


def with_counter(app: Flask) -> Flask:
    def count() -> dict[str, int]:
        session["calls"] = session.get("calls", 0) + 1
        return {"calls": session["calls"]}

    app.add_url_rule("/count", view_func=count)
    return app


@pytest.mark.parametrize(
    "use",
    [
        lambda: session["x"],
        lambda: session.get("x"),
        lambda: "x" in session,
        lambda: session.__setitem__("x", 1),
        lambda: session.pop("x", None),
        lambda: session.setdefault("x", 1),
        lambda: session.update(x=1),
        lambda: list(session),
    ],
)
def test_use_of_a_session_that_is_off_names_the_setting(
    make_app: AppFactory, use: Callable[[], object]
) -> None:
    with (
        make_app().test_request_context(),
        pytest.raises(RuntimeError, match="FLASK_SESSIONS=true") as raised,
    ):
        use()
    assert str(raised.value) == OFF


def test_a_request_without_sessions_sets_no_session_cookie(make_app: AppFactory) -> None:
    answer = make_app().test_client().get("/health/live", headers={"Cookie": "session=forged"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_session_works_with_the_setting_and_its_cookie_is_safe(make_app: AppFactory) -> None:
    app = with_counter(make_app({"FLASK_SESSIONS": "true", "PUBLIC_URL": "https://auth.example"}))
    client = app.test_client()
    first = client.get("/count", base_url="https://auth.example")
    assert client.get("/count", base_url="https://auth.example").get_json() == {"calls": 2}
    (cookie,) = first.headers.getlist("Set-Cookie")
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
