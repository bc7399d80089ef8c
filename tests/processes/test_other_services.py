"""The configurations and routes of docs/guides/backend.md are run as written."""

import asyncio
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import example
from tests.support.examples import documented_nginx as nginx
from tests.support.examples import express_site, get, traefik, trusting_site
from tests.support.server import DEADLINE, Server, free_port, serving, until
from tests.support.service import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path) -> Iterator[Server]:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    told = {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "Clientaddress"}
    with serving(f"sqlite:///{tmp_path}/auth.db", tmp_path, **told) as server:
        yield server


@pytest.fixture(scope="module")
def strict_server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a service that requires a second factor; a new account's token only allows enrollment."""
    folder = tmp_path_factory.mktemp("strict")
    shutil.copy(sqlite_template, folder / "auth.db")
    with serving(f"sqlite:///{folder}/auth.db", folder, REQUIRE_SECOND_FACTOR="true") as server:
        yield server


@pytest.fixture(scope="module")
def enrollment_token(strict_server: Server) -> str:
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    assert strict_server.call("POST", "/auth/register", body)[0] == 201
    return str(strict_server.call("POST", "/auth/login", body)[1]["access_token"])


SETUP_REQUIRED = (403, "second_factor_setup_required")


def test_flask_guard_forwards_a_403(strict_server: Server, enrollment_token: str) -> None:
    parts: dict[str, Any] = {"__name__": "orders"}
    exec(example("flask", {8000: strict_server.port}), parts)
    answer = (
        parts["app"].test_client().get("/orders", headers={"Authorization": f"Bearer {enrollment_token}"})
    )
    assert (answer.status_code, answer.get_json()["code"]) == SETUP_REQUIRED
    parts["guard"].close()


def test_fastapi_guard_forwards_a_403(strict_server: Server, enrollment_token: str) -> None:
    import httpx

    parts: dict[str, Any] = {"__name__": "orders"}
    exec(example("fastapi", {8000: strict_server.port}), parts)

    async def orders() -> httpx.Response:
        transport = httpx.ASGITransport(parts["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get("/orders", headers={"Authorization": f"Bearer {enrollment_token}"})

    answer = asyncio.run(orders())
    assert (answer.status_code, answer.json()["code"]) == SETUP_REQUIRED
    parts["guard"].close()


def test_express_guard_forwards_a_403(strict_server: Server, enrollment_token: str, tmp_path: Path) -> None:
    port = free_port()
    with express_site(tmp_path, example("express", {8000: strict_server.port, 9000: port}), port) as site:
        status, body, _ = get(f"{site}/orders", enrollment_token)
    assert (status, body["code"]) == SETUP_REQUIRED


def test_nginx_forwards_a_403(strict_server: Server, enrollment_token: str, tmp_path: Path) -> None:
    with nginx(strict_server, tmp_path) as site:
        assert get(f"{site}/page", enrollment_token)[0] == 403


@pytest.fixture
def token(server: Server) -> str:
    body = {"username": "grün", "email": "ada@example.com", "password": PASSWORD}
    assert server.call("POST", "/auth/register", body)[0] == 201
    return str(server.call("POST", "/auth/login", body)[1]["access_token"])


def test_site_behind_nginx_requires_a_token_that_logout_revokes(
    server: Server, token: str, tmp_path: Path
) -> None:
    with nginx(server, tmp_path) as site:
        status, _, headers = get(f"{site}/page?a=1")
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert get(f"{site}/page", token + "x")[0] == 401
        assert get(f"{site}/_verify", token)[0] == 404

        status, told, _ = get(f"{site}/page", token, X_Auth_User_Id="99", X_Auth_Username="root")
        assert status == 200
        assert (told["X-Auth-User-Id"], told["X-Auth-Username"]) == ("1", "gr%C3%BCn")
        assert "Authorization" not in told

        assert server.call("POST", "/auth/logout", {}, token=token)[0] == 204
        since = time.monotonic()
        assert get(f"{site}/page", token)[0] == 401
        assert time.monotonic() - since < 1


def test_site_behind_nginx_cannot_be_given_a_forged_address(
    server: Server, token: str, tmp_path: Path
) -> None:
    with nginx(server, tmp_path) as site:
        forged = dict.fromkeys(("Clientaddress", "X-Forwarded-For", "X_Forwarded_For"), "203.0.113.9")
        request = urllib.request.Request(
            f"{site}/page", headers=forged | {"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            assert answer.status == 200
        until(lambda: '"route": "/auth/verify"' in server.log.read_text(), "the log line")
    assert "203.0.113.9" not in server.log.read_text()


def test_site_behind_nginx_is_refused_while_the_service_is_down(
    server: Server, token: str, tmp_path: Path
) -> None:
    with nginx(server, tmp_path) as site:
        assert get(f"{site}/page", token)[0] == 200
        server.stop()
        assert get(f"{site}/page", token)[0] == 500


def test_site_behind_traefik_requires_a_token_that_logout_revokes(
    server: Server, token: str, tmp_path: Path
) -> None:
    with (
        trusting_site() as site,
        traefik(tmp_path, example("traefik", {9000: site, 8000: server.port})) as url,
    ):
        status, body, headers = get(f"{url}/page?a=1")
        assert (status, body["code"], headers["WWW-Authenticate"]) == (401, "token_missing", "Bearer")
        forged = {"X_Auth_User_Id": "99", "X_Auth_Username": "root", "Clientaddress": "203.0.113.9"}
        status, told, _ = get(f"{url}/page", token, **forged)
        assert status == 200
        assert (told["X-Auth-User-Id"], told["X-Auth-Username"]) == ("1", "gr%C3%BCn")
        assert "203.0.113.9" not in server.log.read_text()
        assert server.call("POST", "/auth/logout", {}, token=token)[0] == 204
        assert get(f"{url}/page", token)[0] == 401
        server.stop()
        assert get(f"{url}/page", token)[0] == 500


def test_the_flask_route_is_protected(server: Server, token: str) -> None:
    parts: dict[str, Any] = {"__name__": "orders"}
    exec(example("flask", {8000: server.port}), parts)
    client = parts["app"].test_client()
    answer = client.get("/orders", headers={"Authorization": f"Bearer {token}"})
    assert answer.get_json() == {"orders_of": 1, "name": "grün"}
    refused = client.get("/orders")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "token_missing")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    server.call("POST", "/auth/logout", {}, token=token)
    assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    server.stop()
    assert client.get("/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 503
    parts["guard"].close()


def test_the_fastapi_route_is_protected(server: Server, token: str) -> None:
    import httpx

    parts: dict[str, Any] = {"__name__": "orders"}
    exec(example("fastapi", {8000: server.port}), parts)

    async def orders(*tokens: str) -> httpx.Response:
        transport = httpx.ASGITransport(parts["app"], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            headers = [("Authorization", f"Bearer {token}") for token in tokens]
            return await client.get("/orders", headers=headers)

    assert asyncio.run(orders(token)).json() == {"orders_of": 1, "name": "grün"}
    refused = asyncio.run(orders())
    assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    server.call("POST", "/auth/logout", {}, token=token)
    assert asyncio.run(orders(token)).status_code == 401
    server.stop()
    assert asyncio.run(orders(token)).status_code == 503
    parts["guard"].close()


def test_the_express_route_is_protected(server: Server, token: str, tmp_path: Path) -> None:
    port = free_port()
    with express_site(tmp_path, example("express", {8000: server.port, 9000: port}), port) as site:
        url = f"{site}/orders"
        assert get(url, token)[:2] == (200, {"orders_of": 1, "name": "grün"})
        status, body, headers = get(url)
        assert (status, body["code"], headers["WWW-Authenticate"]) == (401, "token_missing", "Bearer")
        server.call("POST", "/auth/logout", {}, token=token)
        assert get(url, token)[0] == 401
        server.stop()
        assert get(url, token)[0] == 503
