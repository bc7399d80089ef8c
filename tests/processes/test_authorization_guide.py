"""docs/guides/authorization.md as a reader follows it: its tour, and its examples for other services."""

import asyncio
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from tests.conftest import new_sqlite
from tests.support.documents import example
from tests.support.examples import (
    NGINX,
    copy_guard,
    express_site,
    get,
    nginx,
    running,
    traefik,
    trusting_site,
)
from tests.support.guarded_sites import FORGED, Service, at, check_site, service_with_roles
from tests.support.roles import grant, revoke
from tests.support.server import ROOT, environment, free_port, serving
from tests.support.service import PASSWORD

pytestmark = pytest.mark.slow

GUIDE = "authorization"
TEXT = (ROOT / "docs" / "guides" / f"{GUIDE}.md").read_text("utf-8")


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Iterator[Service]:
    with service_with_roles(sqlite_template, tmp_path) as found:
        yield found


def parts_of(name: str, service: Service) -> dict[str, Any]:
    """Return what a Python example of the guide defines."""
    parts: dict[str, Any] = {"__name__": name}
    exec(example(name, {8000: service.server.port}, GUIDE), parts)
    return parts


def test_flask_example_keeps_its_promises(service: Service) -> None:
    parts = parts_of("flask-permission", service)
    client = parts["app"].test_client()

    def ask(path: str, token: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.get(path, headers=named | ({"Authorization": f"Bearer {token}"} if token else {}))
        if answer.status_code == 200:
            assert set(answer.get_json().values()) <= {1, "grün"}
        return answer.status_code, answer.get_json()

    check_site(service, ask, down=503)
    parts["guard"].close()


def test_fastapi_example_keeps_its_promises(service: Service) -> None:
    import httpx

    parts = parts_of("fastapi-permission", service)

    async def answer(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(parts["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(path, headers=headers)

    def ask(path: str, token: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        found = asyncio.run(answer(path, named | ({"Authorization": f"Bearer {token}"} if token else {})))
        if found.status_code == 200:
            assert set(found.json().values()) <= {1, "grün"}
        else:
            assert set(found.json()) == {"detail"}
        return found.status_code, found.json()

    check_site(service, ask, down=503)
    parts["guard"].close()


def test_wsgi_example_keeps_its_promises(service: Service) -> None:
    application = parts_of("wsgi-permission", service)["application"]
    client = Client(application)
    header = {"Authorization": f"Bearer {service.token}"}
    assert client.get("/").status_code == 401
    assert client.get("/", headers=header).status_code == 403
    grant(service.app, "grün", "reader")
    allowed = client.get(
        "/", headers=header | {"X-Auth-User-Id": "99"}, environ_overrides={"REMOTE_USER": "99"}
    )
    assert (allowed.status_code, allowed.text) == (200, "Reports of 1")
    revoke(service.app, "grün", "reader")
    assert client.get("/", headers=header).status_code == 403
    application._guard.close()


def test_express_example_keeps_its_promises(service: Service, tmp_path: Path) -> None:
    port = free_port()
    text = example("express-permission", {8000: service.server.port, 9000: port}, GUIDE)
    with express_site(tmp_path, text, port) as url:
        grant(service.app, "grün", "reader")
        assert get(f"{url}/reports", service.token)[:2] == (200, {"reports_of": 1, "name": "grün"})
        revoke(service.app, "grün", "reader")
        check_site(service, at(url), down=503)


def nginx_example(service: Service, site: int, folder: Path) -> tuple[str, int]:
    port = free_port()
    copy_guard(folder, service.server.port)
    return example("nginx-permission", {8080: port, 9000: site}, GUIDE), port


SPELLINGS = [
    *("/reports/%64rafts", "/reports/x/../drafts", "/reports//drafts", "//reports/drafts"),
    *("/reports/%2e/drafts", "/reports/drafts/", "/reports/drafts?a=/reports"),
]


def check_spellings(service: Service, url: str) -> None:
    """Check that a reader does not reach the drafts by another spelling of their path."""
    grant(service.app, "grün", "reader")
    assert [(path, get(f"{url}{path}", service.token)[0]) for path in SPELLINGS] == [
        (path, 403) for path in SPELLINGS
    ]
    revoke(service.app, "grün", "reader")


def test_nginx_example_keeps_its_promises(service: Service, tmp_path: Path) -> None:
    with trusting_site() as site:
        text, port = nginx_example(service, site, tmp_path)
        with nginx(tmp_path, text, port) as url:
            grant(service.app, "grün", "reader")
            status, seen, _ = get(f"{url}/reports", service.token, **FORGED)
            assert (status, seen["X-Auth-User-Id"], seen["X-Auth-Username"]) == (200, "1", "gr%C3%BCn")
            assert get(f"{url}/_verify?permission=reports:read", service.token)[0] == 404
            revoke(service.app, "grün", "reader")
            check_spellings(service, url)
            assert get(f"{url}/reports", Cookie="__Host-refresh=%00; =; \xff")[0] == 401
            check_site(service, at(url), down=500)
    assert '"event": "permission query refused"' not in service.server.log.read_text()


def test_nginx_passes_the_body_of_a_403_on_as_the_guide_says(service: Service, tmp_path: Path) -> None:
    with trusting_site() as site:
        text, port = nginx_example(service, site, tmp_path)
        directive, include = "error_page 403 = /_verify;", "    include guard/server.conf;\n"
        assert f"`{directive}`" in TEXT
        text = text.replace(include, f"{include}    {directive}\n")
        with nginx(tmp_path, text, port) as url:
            status, body, headers = get(f"{url}/reports", service.token)
            assert (status, body["code"]) == (403, "permission_missing")
            assert headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope"')
            assert get(f"{url}/_verify", service.token)[0] == 404
            check_spellings(service, url)
            check_site(service, at(url), down=500)


def test_traefik_example_keeps_its_promises(service: Service, tmp_path: Path) -> None:
    with trusting_site() as site:
        text = example("traefik-permission", {9000: site, 8000: service.server.port}, GUIDE)
        with traefik(tmp_path, text) as url:
            grant(service.app, "grün", "reader")
            status, seen, _ = get(f"{url}/reports", service.token, **FORGED)
            assert (status, seen["X-Auth-User-Id"], seen["X-Auth-Username"]) == (200, "1", "gr%C3%BCn")
            revoke(service.app, "grün", "reader")
            check_spellings(service, url)
            check_site(service, at(url), down=500)


def test_nginx_location_without_its_variable_is_refused(service: Service, tmp_path: Path) -> None:
    grant(service.app, "grün", "editor")
    with trusting_site() as site:
        text, port = nginx_example(service, site, tmp_path)
        unset = text.replace("        set $needs reports:read;\n", "", 1)
        public = (
            "location /public {\n        auth_request off;\n        proxy_pass http://127.0.0.1:%d;\n    }\n"
        )
        bare = public.replace("public", "bare").replace("auth_request off", "set $needs reports:read")
        unset = unset.replace(
            "    location /reports {", f"    {public % site}    {bare % site}    location /reports {{", 1
        )
        with nginx(tmp_path, unset, port) as url:
            assert get(f"{url}/reports", service.token)[0] == 403
            assert get(f"{url}/reports?needs=reports:read", service.token)[0] == 403
            assert get(f"{url}/other", service.token)[0] == 403  # of no location
            assert get(f"{url}/bare", service.token)[0] == 403  # it includes nothing
            assert get(f"{url}/reports/drafts", service.token)[0] == 200
            assert get(f"{url}/public")[0] == 200
    assert '"event": "permission query refused"' in service.server.log.read_text()


def blocks(section: str, language: str) -> list[str]:
    found = re.search(rf"<!-- {section} -->(.*?)<!-- /{section} -->", TEXT, re.DOTALL)
    assert found, section
    return re.findall(rf"^```{language}\n(.*?)^```$", found[1], re.DOTALL | re.MULTILINE)


@pytest.mark.nightly  # it starts seven commands and four servers
def test_tour_of_the_guide_runs_as_written(tmp_path: Path, sqlite_template: Path) -> None:
    """Two roles, a Flask view, a FastAPI route and an nginx location: 200, 403, 401, and 403 at once."""
    uri, bin_folder = new_sqlite(sqlite_template, tmp_path), Path(sys.executable).parent
    keys = {name: secrets.token_urlsafe(48) for name in ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")}
    demo = tmp_path / "demo"
    (demo / "venv").mkdir(parents=True)
    (demo / "venv" / "bin").symlink_to(bin_folder)
    with serving(uri, tmp_path, **keys) as server, ExitStack() as sites:
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        assert server.call("POST", "/auth/register", body)[0] == 201
        access = server.call("POST", "/auth/login", body)[1]["access_token"]
        ports = {8000: server.port} | {port: free_port() for port in (9000, 9002, 8080)}

        def here(text: str) -> str:
            return re.sub(r"\b(8000|9000|9002|8080)\b", lambda found: str(ports[int(found[0])]), text)

        for name in ("flask", "fastapi"):
            text = example(f"{name}-permission", {8000: ports[8000]}, GUIDE)
            (demo / f"{name}_site.py").write_text(text)
        start, proxy, *calls = blocks("sites", "bash")
        commands = [re.sub(r" 2?> .*", "", here(line)).split() for line in start.splitlines()]
        for command, port in zip(commands, (9000, 9002), strict=True):
            url = f"http://localhost:{ports[port]}/"
            program = [str(tmp_path / command[0]), *command[1:]]
            sites.enter_context(running(program, tmp_path, url, PYTHONPATH=str(ROOT / "sdk" / "python")))
        numbers = {8080: ports[8080], 9000: ports[9000]}
        copy_guard(demo, ports[8000])
        (demo / "site.conf").write_text(example("nginx-permission", numbers, GUIDE))
        (demo / "nginx.conf").write_text(example("nginx-whole", {}, GUIDE))
        command = [NGINX, *proxy.removesuffix(" &\n").split()[1:]]
        sites.enter_context(running(command, tmp_path, f"http://localhost:{ports[8080]}/"))

        script = "set -eo pipefail\n" + "".join(here(block) for block in [*blocks("roles", "bash"), *calls])
        script = script.replace(". .venv/bin/activate\n", "")
        env = environment(uri, server.port, **keys, PYTHONPATH=str(ROOT), access=access)
        env["PATH"] = f"{bin_folder}:{env['PATH']}"
        run = {"cwd": tmp_path, "env": env, "capture_output": True, "text": True, "timeout": 240}
        done: Any = subprocess.run(["bash"], input=script, check=False, **run)  # type: ignore[call-overload]
    shown = "".join([*blocks("roles", "text"), *blocks("sites", "text")])
    assert (done.returncode, done.stdout) == (0, shown), done.stderr
