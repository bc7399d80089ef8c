"""The guard in front of Flask, FastAPI and WSGI applications, asking a service that runs."""

import asyncio
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Annotated, Any, NamedTuple

import httpx
import pytest
from auth_guard import Caller, Forbidden, Guard, GuardedApp, Unauthorized, fastapi_requires, flask_requires
from fastapi import Depends, FastAPI
from flask import Flask, g, request
from werkzeug.serving import make_server
from werkzeug.test import Client

from tests.support.roles import define, grant, revoke
from tests.support.server import free_port
from tests.support.service import login, register


def nowhere() -> Guard:
    """A guard whose service does not run."""
    return Guard(f"http://127.0.0.1:{free_port()}")


class Service(NamedTuple):
    """A service that is served, and the access token of `grün`, account 1 and a reader."""

    url: str
    app: Flask
    token: str

    @property
    def guard(self) -> Guard:
        return Guard(self.url)


@pytest.fixture
def service(app: Flask) -> Iterator[Service]:
    client = app.test_client()
    register(client, "grün", email="ada@example.com")
    define(app, "reader", "reports:read")
    define(app, "editor", "reports:read", "reports:write")
    grant(app, "grün", "reader")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Service(f"http://127.0.0.1:{server.port}", app, login(client, "grün").get_json()["access_token"])
    server.shutdown()
    thread.join()
    server.server_close()


Answered = tuple[int, dict[str, Any], dict[str, str]]  # status, body, headers
Call = Callable[..., Answered]


def titled(headers: Any) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}


class AsyncFlask(Flask):
    """Runs `async` views without the package that Flask needs for them."""

    def async_to_sync(self, func: Any) -> Any:
        return lambda *args, **kwargs: asyncio.run(func(*args, **kwargs))


def flask_site(guard: Guard) -> Call:
    site = AsyncFlask("site")

    @site.get("/reports")
    @flask_requires(guard, "reports:read")
    def reports() -> dict[str, Any]:
        return {"id": g.caller.user_id, "name": g.caller.username}

    @site.get("/drafts")
    @flask_requires(guard, "reports:read", "reports:write")
    async def drafts() -> dict[str, Any]:
        return {"id": g.caller.user_id, "name": g.caller.username}

    def call(path: str, **headers: str) -> Answered:
        answer = site.test_client().get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return answer.status_code, answer.get_json(), titled(answer.headers)

    return call


def fastapi_site(guard: Guard) -> Call:
    site = FastAPI()

    @site.get("/reports")
    def reports(
        caller: Annotated[Caller, Depends(fastapi_requires(guard, "reports:read"))],
    ) -> dict[str, Any]:
        return {"id": caller.user_id, "name": caller.username}

    @site.get("/drafts")
    async def drafts(
        caller: Annotated[Caller, Depends(fastapi_requires(guard, "reports:read", "reports:write"))],
    ) -> dict[str, Any]:
        return {"id": caller.user_id, "name": caller.username}

    async def asked(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(site)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(path, headers=headers)

    def call(path: str, **headers: str) -> Answered:
        answer = asyncio.run(asked(path, {k.replace("_", "-"): v for k, v in headers.items()}))
        body = answer.json()
        return answer.status_code, body.get("detail", body), titled(answer.headers)

    return call


def wsgi_site(guard: Guard) -> Call:
    inner = Flask("inner")

    @inner.get("/<path>")
    def page(path: str) -> dict[str, Any]:
        caller = request.environ["auth_guard.caller"]
        assert request.environ["REMOTE_USER"] == str(caller.user_id)
        assert not {name for name in request.environ if name.startswith(("HTTP_X_AUTH", "HTTP_REMOTE"))}
        return {"id": caller.user_id, "name": caller.username}

    sites = {
        "/reports": Client(GuardedApp(inner, guard, ["reports:read"])),
        "/drafts": Client(GuardedApp(inner, guard, ("reports:read", "reports:write"))),
    }

    def call(path: str, **headers: str) -> Answered:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        site = sites[path.partition("?")[0]]
        answer = site.get(path, headers=named, environ_overrides={"REMOTE_USER": "99"})
        return answer.status_code, answer.get_json() or {}, titled(answer.headers)

    return call


@pytest.fixture(params=[flask_site, fastapi_site, wsgi_site], ids=lambda make: make.__name__)
def site(request: pytest.FixtureRequest, service: Service) -> Iterator[Call]:
    guard = service.guard
    yield request.param(guard)
    guard.close()


def test_permission_opens_until_the_role_is_taken_away(service: Service, site: Call) -> None:
    header = f"Bearer {service.token}"
    assert site("/reports", Authorization=header)[:2] == (200, {"id": 1, "name": "grün"})
    status, body, headers = site("/drafts", Authorization=header)
    assert (status, body["code"], headers["Cache-Control"]) == (403, "permission_missing", "no-store")
    assert headers["Www-Authenticate"].startswith('Bearer error="insufficient_scope"')
    grant(service.app, "grün", "editor")
    assert site("/drafts", Authorization=header)[0] == 200
    revoke(service.app, "grün", "editor")
    assert site("/drafts", Authorization=header)[0] == 403
    revoke(service.app, "grün", "reader")
    assert site("/reports", Authorization=header)[0] == 403


def test_without_a_valid_token_it_is_a_401(service: Service, site: Call) -> None:
    for path in ("/reports", "/drafts"):
        assert [site(path)[0], site(path)[1]["code"]] == [401, "token_missing"]
        status, body, _ = site(path, Authorization=f"Bearer {service.token}x")
        assert (status, body["code"]) == (401, "token_invalid")
        status, body, _ = site(path, Authorization="Basic YTpi")
        assert (status, body["code"]) == (401, "token_malformed")


def test_identity_and_question_of_the_caller_are_ignored(service: Service, site: Call) -> None:
    forged = {"X_Auth_User_Id": "99", "X_Auth_Username": "root", "X_Auth_Role": "admin", "Remote_User": "99"}
    assert site("/reports", **forged)[0] == 401
    status, body, _ = site("/reports?permission=x:y", Authorization=f"Bearer {service.token}", **forged)
    assert (status, body) == (200, {"id": 1, "name": "grün"})
    assert (
        site("/drafts?permission=reports:read", Authorization=f"Bearer {service.token}", **forged)[0] == 403
    )


@pytest.mark.parametrize("make", [flask_site, fastapi_site, wsgi_site], ids=lambda make: make.__name__)
def test_no_service_is_a_503(make: Callable[[Guard], Call]) -> None:
    status, body, headers = make(nowhere())("/reports", Authorization="Bearer a.b.c")
    assert (status, body["code"], headers["Cache-Control"]) == (503, "unavailable", "no-store")


def test_refusals_of_the_guard_are_those_of_the_service(service: Service) -> None:
    def of_service(header: str) -> tuple[dict[str, Any], str]:
        answer = httpx.get(f"{service.url}/auth/verify", headers={"Authorization": header})
        assert answer.status_code == 401
        body = {name: value for name, value in answer.json().items() if name != "request_id"}
        return body, answer.headers["WWW-Authenticate"]

    for header in ("", "Basic YTpi"):
        with pytest.raises(Unauthorized) as refusal:
            service.guard.check(header)
        assert (refusal.value.body, refusal.value.headers["WWW-Authenticate"]) == of_service(header)
    assert Forbidden.message == forbidden_by(service)["message"]


def forbidden_by(service: Service) -> dict[str, Any]:
    guard = service.guard
    with pytest.raises(Forbidden) as refusal:
        guard.check(f"Bearer {service.token}", "reports:write")
    guard.close()
    return refusal.value.body


@pytest.mark.parametrize("wrong", [(), ("",), ("reports",), ("reports:read", "Reports:read")])
def test_guard_is_not_made_with_a_malformed_permission_or_without_one(wrong: tuple[str, ...]) -> None:
    guard = nowhere()
    for make in (
        lambda: flask_requires(guard, *wrong),
        lambda: fastapi_requires(guard, *wrong),
        lambda: GuardedApp(lambda *_: [], guard, wrong),
        lambda: GuardedApp(lambda *_: [], guard, "reports:read"),  # a text is no list of texts
    ):
        with pytest.raises(ValueError, match="thing:verb"):
            make()


def test_head_of_a_guarded_application_has_no_body() -> None:
    site = Client(GuardedApp(lambda *_: [], nowhere(), ["reports:read"]))
    answer = site.head("/reports")
    assert (answer.status_code, answer.data) == (401, b"")


def test_fastapi_description_says_that_a_bearer_is_wanted() -> None:
    site = FastAPI()

    @site.get("/reports")
    def reports(caller: Annotated[Caller, Depends(fastapi_requires(nowhere(), "a:b"))]) -> None:
        """Do nothing."""

    assert site.openapi()["paths"]["/reports"]["get"]["security"] == [{"HTTPBearer": []}]
