"""The shipped configuration of Traefik: addresses, mailed links, operations paths, calls in the clear."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth.admin.address_probe import spellings
from auth.mailing.messages import MAILS
from config_checks import PAGES
from tests.processes.test_shipped_proxies import JSON_BODY, database, doctor, logged
from tests.support.haproxy import Proxy
from tests.support.proxies import ask, traefik
from tests.support.server import Server, serving, until

pytestmark = pytest.mark.slow

SETTINGS = {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "X-Forwarded-For"}
NO_SERVICE = 418  # of noop@internal


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(database(sqlite_template, folder), folder, **SETTINGS) as started:
        yield started


@pytest.fixture(scope="module")
def proxy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with traefik(tmp_path_factory.mktemp("traefik"), server) as started:
        yield started


@pytest.mark.parametrize("name", [*spellings("X-Forwarded-For"), "Clientaddress", "Forwarded", "X-Real-Ip"])
def test_forged_header_does_not_change_the_address_behind_traefik(
    proxy: Proxy, server: Server, name: str
) -> None:
    before = len(server.log.read_text())
    forged = [*JSON_BODY, (name, "203.0.113.9"), (name, "203.0.113.10")]
    assert ask(proxy, "/auth/logout", forged, method="POST", body=b"{}")[0] == 204
    until(lambda: logged(server, before), "the log line")
    assert [line["ip_address"] for line in logged(server, before)] == ["127.0.0.1"]


def test_every_mailed_link_opens_its_page_behind_traefik(proxy: Proxy) -> None:
    names = {f"link_{name}" for links in MAILS.values() for name in links}
    assert names == set(PAGES) - {"link_authorize"}  # which no mail has
    assert {name: ask(proxy, PAGES[name]) for name in names} == dict.fromkeys(names, (200, "text/html"))


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
def test_traefik_passes_no_operations_path_on(proxy: Proxy, path: str) -> None:
    for spelling in (path, f"{path}/", f"/{path}", f"{path}?x", f"/%{ord(path[1]):x}{path[2:]}"):
        assert ask(proxy, spelling)[0] in {NO_SERVICE, 404}, spelling


def test_login_reaches_the_service_behind_traefik(proxy: Proxy) -> None:
    body = json.dumps({"username": "nobody", "password": "correct horse battery"}).encode()
    assert ask(proxy, "/auth/login", JSON_BODY, method="POST", body=body)[0] == 401


def test_traefik_refuses_a_call_without_tls_and_redirects_a_page(proxy: Proxy) -> None:
    for path in ("/auth/me", "//auth/me", "/%61uth/me"):
        assert ask(proxy, path, tls=False)[0] == NO_SERVICE, path
    assert ask(proxy, "/login", tls=False)[0] == 301  # 308 to another method than GET


def test_probe_finds_no_forged_address_behind_traefik(proxy: Proxy, server: Server) -> None:
    (found,) = doctor(server, f"https://localhost:{proxy.tls_port}", proxy.certificate, **SETTINGS)
    assert found["state"] == "ok", found
