"""`abort()` in a custom blueprint: the status stays, and the body has the standard error shape."""

from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, request
from flask.testing import FlaskClient
from werkzeug.exceptions import Conflict, ServiceUnavailable
from werkzeug.routing import RequestRedirect

from tests.unit.test_errors import assert_shape, memory
from utils.errors import BadRequest, UnsupportedMediaType

__all__ = ["memory"]  # a fixture


@pytest.fixture
def own(memory: Flask) -> FlaskClient:
    """Return a client of an app with a custom blueprint whose views abort."""
    mine = Blueprint("mine", __name__)

    @mine.get("/abort/<int:status>")
    def refuse(status: int) -> Any:
        abort(status)

    @mine.get("/abort/<int:status>/<path:words>")
    def refuse_in_words(status: int, words: str) -> Any:
        abort(status, words)

    @mine.get("/response")
    def refuse_with_response() -> Any:
        abort(Response("teapot", 418, content_type="text/plain"))

    @mine.get("/raise")
    def refuse_with_headers() -> Any:
        raise ServiceUnavailable("Closed for today.", retry_after=60)

    @mine.get("/form")
    def read_form() -> str:
        return request.form["secret-field"]

    @mine.post("/json")
    def read_json() -> str:
        return str(request.get_json()["secret-field"])

    @mine.get("/elsewhere")
    def go_elsewhere() -> Any:
        raise RequestRedirect("http://localhost/here")

    memory.register_blueprint(mine)
    return memory.test_client()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (415, "unsupported_media_type"),
        (418, "im_a_teapot"),
        (422, "unprocessable_entity"),
        (429, "rate_limited"),
        (451, "unavailable_for_legal_reasons"),
        (500, "internal_error"),
        (501, "not_implemented"),
        (503, "unavailable"),
    ],
)
def test_abort_in_a_custom_view_keeps_its_status(own: FlaskClient, status: int, code: str) -> None:
    assert_shape(own.get(f"/abort/{status}"), status, code)
    in_words = own.get(f"/abort/{status}/Come back tomorrow.")
    assert_shape(in_words, status, code)
    assert in_words.get_json()["message"] == "Come back tomorrow."


def test_abort_401_has_www_authenticate(own: FlaskClient) -> None:
    assert own.get("/abort/401").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("words", ["<b>bold</b>", "x" * 201, "tab%09stop", "%20"])
def test_unsafe_abort_description_is_replaced(own: FlaskClient, words: str) -> None:
    plain, answer = own.get("/abort/409").get_json(), own.get(f"/abort/409/{words}")
    assert_shape(answer, 409, "conflict")
    assert answer.get_json()["message"] == plain["message"]


def test_headers_of_a_raised_exception_are_kept(own: FlaskClient) -> None:
    answer = own.get("/raise")
    assert answer.headers["Retry-After"] == "60"
    assert answer.get_json()["message"] == "Closed for today."


def test_abort_with_a_response_passes_it_through(own: FlaskClient) -> None:
    answer = own.get("/response")
    assert (answer.status_code, answer.get_data(as_text=True)) == (418, "teapot")


def test_raised_redirect_stays_a_redirect(own: FlaskClient) -> None:
    answer = own.get("/elsewhere")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/here")


def test_werkzeug_descriptions_are_not_echoed(own: FlaskClient) -> None:
    answers = [own.get("/form"), own.post("/json", data="{", content_type="application/json")]
    answers += [own.post("/json", data="x", content_type="text/secret")]
    for answer in answers:
        assert answer.status_code in {400, 415}
        kind = BadRequest if answer.status_code == 400 else UnsupportedMediaType
        assert answer.get_json()["message"] == kind.message


class CallableView:
    def __call__(self) -> Any:
        abort(409, "The book is lent.")


def view_named_abort() -> Any:
    def abort() -> Any:
        raise Conflict("The book is lent.")

    return abort


@pytest.mark.parametrize("view", [CallableView(), view_named_abort()], ids=["object", "named abort"])
def test_abort_description_of_a_callable_view_is_kept(memory: Flask, view: Any) -> None:
    memory.add_url_rule("/unusual", "unusual", view)
    answer = memory.test_client().get("/unusual")
    assert_shape(answer, 409, "conflict")
    assert answer.get_json()["message"] == "The book is lent."


@pytest.mark.parametrize("status", [401, 403, 409, 422])
def test_abort_page_for_browsers_states_a_refusal_only(own: FlaskClient, status: int) -> None:
    page = own.get(f"/abort/{status}", headers={"Accept": "text/html"})
    assert page.status_code == status
    text = page.get_data(as_text=True)
    assert "The request was refused." in text
    assert "another site" not in text
    assert "on our side" not in text
