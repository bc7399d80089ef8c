"""Metrics: correct counts across workers, no personal data, restricted access."""

import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.mmap_dict import MmapedDict

from tests.support.memory_apps import memory_app
from tests.support.server import Server, serving, until
from tests.support.service import PASSWORD, FixedClock, bearer, login, me, refresh, register, signed_in
from tests.support.small_limits import limits, wrong_login
from utils.observability.metrics import FOLDER_VARIABLE, Metrics

pytestmark = pytest.mark.no_recordings  # they look at every call

TOKEN = "a token that Prometheus sends"
Figures = dict[str, float]


def figures(text: str) -> Figures:
    """Return every sample by its name and labels."""
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def seen(client: FlaskClient) -> Figures:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content_type[:24]) == (200, "text/plain; version=1.0.")
    return figures(answer.get_data(as_text=True))


def requests(found: Figures, method: str, route: str, status: int) -> float:
    labels = f'{{method="{method}",route="{route}",status="{status}"}}'
    return found.get(f"auth_request_seconds_count{labels}", 0)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def memory(clock: FixedClock) -> Iterator[Flask]:
    with memory_app(clock=clock, limiter=limits(clock, login=6)) as app:
        yield app


def test_logins_sessions_and_requests_are_counted(memory: Flask, clock: FixedClock) -> None:
    client = memory.test_client()
    first = signed_in(client)
    second, third = signed_in(client), signed_in(client)
    assert login(client, password="wrong password").status_code == 401
    assert login(client, "unknown").status_code == 401
    client.post("/auth/sessions/revoke-others", headers=bearer(third["access_token"]))
    successor = refresh(client, signed_in(client)["refresh_token"]).get_json()
    client.post("/auth/logout", headers=bearer(successor["access_token"]))
    assert login(client).status_code == 429
    assert me(client, first["access_token"]).status_code == 401
    assert client.get("/nowhere").status_code == client.get(f"/{second['access_token']}").status_code == 404
    found = seen(client)
    assert found["auth_sessions_started_total"] == 4
    assert {name: value for name, value in found.items() if re.match(r"auth_\w+_total", name)} == {
        'auth_sign_ins_total{outcome="success"}': 4,
        'auth_sign_ins_total{outcome="wrong_password"}': 1,
        'auth_sign_ins_total{outcome="unknown"}': 1,
        "auth_sessions_started_total": 4,
        'auth_sessions_ended_total{reason="revoked"}': 2,
        'auth_sessions_ended_total{reason="signed_out"}': 1,
        'auth_sessions_ended_total{reason="too_many"}': 0,
        'auth_limits_hit_total{policy="login"}': 1,
        "auth_hashes_refused_total": 0,
    }
    assert [requests(found, "POST", "/auth/login", status) for status in (200, 401, 429)] == [4, 2, 1]
    assert requests(found, "GET", "/auth/me", 401) == 1
    assert requests(found, "any", "unmatched", 404) == 2
    assert requests(seen(client), "GET", "/metrics", 200) == 1


def test_replaced_and_reused_sessions_are_counted(memory: Flask, clock: FixedClock) -> None:
    client = memory.test_client()
    same: dict[str, Any] = {"headers": {"Origin": "http://localhost:8000"}, "token_delivery": "cookie"}
    signed_in(client, **same)
    signed_in(client, **same)
    other = memory.test_client()
    stolen = signed_in(other)["refresh_token"]
    refresh(other, stolen)
    clock.advance(21)
    assert refresh(other, stolen).get_json()["code"] == "refresh_token_reused"
    found = seen(client)
    assert found['auth_sessions_ended_total{reason="replaced"}'] == 1
    assert found['auth_sessions_ended_total{reason="reuse"}'] == 1


def test_metrics_contain_no_personal_data(memory: Flask) -> None:
    client = memory.test_client()
    canary = {"User-Agent": "canary-agent", "X-Forwarded-For": "canary", "Origin": "https://canary.example"}
    register(client, "canary", password="canary-password")
    token = login(client, "canary", "canary-password", headers=canary).get_json()["access_token"]
    login(client, "canary-unknown", "canary-wrong")
    wrong_login(memory, "canary", "203.0.113.77")
    me(client, token)
    client.delete("/auth/sessions/0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11", headers=bearer(token))
    for path in ("/canary", "/auth/canary", "/docs/canary", "/auth/me?canary=1"):
        client.get(path)
    client.open("/auth/me", method="CANARY")
    client.open("/canary", method="CANARY")
    text = client.get("/metrics").get_data(as_text=True)
    assert "auth_request_seconds" in text
    for private in ("canary", "CANARY", "203.0.113", "127.0.0.1", "0b8d6f0e", "example", token[:20]):
        assert private not in text, private
    labels = set(re.findall(r'(\w+)="', text))
    assert labels == {"method", "route", "status", "le", "outcome", "reason", "policy"} - {"policy"}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.8.9.10", {}, 200),
        ("192.0.2.1", {}, 404),
        ("10.0.0.1", {}, 404),
        ("", {}, 404),
        ("127.0.0.1.example.com", {}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": ""}, 404),
        ("127.0.0.1", {"X-Forwarded-Host": "auth.example.com"}, 404),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, 404),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.1"}, 404),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
        ("192.0.2.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("192.0.2.1", {"Authorization": f"Bearer {TOKEN}"}, 404),
    ],
)
@pytest.mark.parametrize("proxies", ["0", "1"])
def test_metrics_without_a_token_are_for_loopback_only(
    address: str, headers: dict[str, str], status: int, proxies: str
) -> None:
    with memory_app({"TRUSTED_PROXIES": proxies}) as app:
        answer = app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)
        assert answer.status_code == status
        assert (b"auth_request" in answer.data) == (status == 200)


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_metrics_without_a_token_refuse_a_call_with_the_header_of_the_proxy(proxies: str) -> None:
    with memory_app({"TRUSTED_PROXIES": proxies, "CLIENT_ADDRESS_HEADER": "Clientaddress"}) as app:
        client = app.test_client()
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={"Clientaddress": "127.0.0.1"}).status_code == 404


def test_metrics_token_is_required_from_every_address() -> None:
    with memory_app({"METRICS_TOKEN": "0123456789abcdef"}) as app:
        for address in ("127.0.0.1", "192.0.2.1"):
            for header, status in {
                "Bearer 0123456789abcdef": 200,
                "bearer 0123456789abcdef": 200,
                "Bearer 0123456789abcdeF": 401,
                "Bearer 0123456789abcde": 401,
                "Bearer \xe9": 401,
                "Basic 0123456789abcdef": 401,
                "": 401,
            }.items():
                answer = app.test_client().get(
                    "/metrics", environ_base={"REMOTE_ADDR": address}, headers={"Authorization": header}
                )
                assert answer.status_code == status, header
                assert (b"auth_request" in answer.data) == (status == 200)


@pytest.mark.slow
def test_metrics_sum_all_workers_including_killed_ones(sqlite_template: Path, tmp_path: Path) -> None:
    database = tmp_path / "auth.db"
    database.write_bytes(sqlite_template.read_bytes())
    fast = {"PASSWORD_HASH_METHOD": "scrypt:256:8:1", "RATE_LIMIT_ENABLED": "false", "WEB_CONCURRENCY": "2"}
    with serving(f"sqlite:///{database}", tmp_path, METRICS_TOKEN="0123456789abcdef", **fast) as server:
        until(lambda: _calls(server, 10) and _have_counted(server) == set(server.workers()), "both to answer")
        before = _counted(server)
        assert {_counted(server) for _ in range(10)} == {before}  # whichever worker answers
        assert _calls(server, 20) == 20
        assert _counted(server) == before + 20
        before += 20
        victim = server.workers()[-1]
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(server.workers()) == 2 and victim not in server.workers(), "a new worker")
        until(lambda: _calls(server, 1) == 1, "the service to answer")
        assert _counted(server) >= before + 1


@pytest.mark.slow
def test_scrape_tells_how_many_accounts_are_logged_in(sqlite_template: Path, tmp_path: Path) -> None:
    database = tmp_path / "auth.db"
    database.write_bytes(sqlite_template.read_bytes())
    with serving(f"sqlite:///{database}", tmp_path, METRICS_TOKEN="0123456789abcdef") as server:
        until(lambda: figures(_text(server)).get('auth_accounts{state="logged_in"}') == 0, "the count")


def test_gauges_of_a_dead_worker_are_dropped_and_its_counters_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    names = [f"gauge_livesum_{dead.pid}.db", f"gauge_livesum_{os.getpid()}.db", f"counter_{dead.pid}.db"]
    for name in names:
        MmapedDict(str(tmp_path / name)).close()  # type: ignore[no-untyped-call]
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    Metrics().exposition()
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


def test_empty_file_of_a_starting_worker_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counter_1.db").touch()
    MmapedDict(str(tmp_path / f"counter_{os.getpid()}.db")).close()  # type: ignore[no-untyped-call]
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert Metrics().exposition() == b""


@pytest.mark.slow
def test_stopped_server_removes_its_metrics_files(sqlite_template: Path, tmp_path: Path) -> None:
    database, scratch = tmp_path / "auth.db", tmp_path / "scratch"
    database.write_bytes(sqlite_template.read_bytes())
    scratch.mkdir()
    with serving(f"sqlite:///{database}", tmp_path, TMPDIR=str(scratch)) as server:
        (folder,) = scratch.glob("auth-metrics-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert server.stop() == 0
    assert list(scratch.iterdir()) == []


def _have_counted(server: Server) -> set[int]:
    """Return the workers that have counted a login, according to their metrics files."""
    found = set()
    for pid in server.workers():
        maps = Path(f"/proc/{pid}/maps").read_text()
        for path in set(re.findall(rf"/\S+/counter_{pid}\.db", maps)):
            values = MmapedDict.read_all_values_from_file(path)  # type: ignore[no-untyped-call]
            found |= {pid for key, value, *_ in values if "auth_sign_ins_total" in key and value > 0}
    return found


def _calls(server: Server, number: int) -> int:
    body = {"username": "unknown", "password": PASSWORD}
    try:
        return sum(server.call("POST", "/auth/login", body)[0] == 401 for _ in range(number))
    except OSError:
        return 0


def _counted(server: Server) -> int:
    found = figures(_text(server))
    return int(found['auth_sign_ins_total{outcome="unknown"}'])


def _text(server: Server) -> str:
    request = urllib.request.Request(f"{server.url}/metrics")
    request.add_header("Authorization", "Bearer 0123456789abcdef")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())
