"""Leaked-password checks of new passwords, against a stand-in server with arbitrary faults."""

import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.certificates import Authority
from tests.support.failing_services import without_threads
from tests.support.leaked_password_server import (
    ELSEWHERE,
    LEAKED,
    Collection,
    drip,
    listing,
    redirect,
    serving,
    stall,
    tail,
)
from tests.support.production import faults, load
from tests.support.requests import NEW, confirm_addresses, forget, post, said
from tests.support.server import until
from tests.support.service import PASSWORD, checked_out, login, register, rows, signed_in
from utils.observability.metrics import Metrics
from utils.outgoing import MAX_CONCURRENT, CallFailed, Endpoint
from utils.passwords.leaked import MAX_ANSWER, LeakedPasswords

PREFIX = hashlib.sha1(LEAKED.encode()).hexdigest()[:5]
DEADLINE, SLACK = 0.5, 3  # seconds; this machine may be busy


@pytest.fixture
def collection() -> Iterator[Collection]:
    with serving() as made:
        yield made


@pytest.fixture
def app(make_app: AppFactory, collection: Collection) -> Flask:
    return make_app({"LEAKED_PASSWORDS_URL": collection.url})


def outcomes(metrics: Metrics) -> dict[str, float]:
    found = (sample for family in metrics.leak_checks.collect() for sample in family.samples)
    return {each.labels["outcome"]: each.value for each in found if each.name.endswith("_total")}


def test_leaked_password_lookup_sends_five_hash_digits(collection: Collection) -> None:
    metrics = Metrics()
    leaks = LeakedPasswords(collection.url, metrics)
    assert leaks.has(LEAKED)
    assert not leaks.has(PASSWORD)
    digests = [hashlib.sha1(each.encode()).hexdigest().upper() for each in (LEAKED, PASSWORD)]
    assert collection.asked == [(f"/range/{digest[:5]}", "true") for digest in digests]
    assert outcomes(metrics) == {"leaked": 1, "clean": 1}


def test_leaked_password_lookup_normalises_the_password(collection: Collection) -> None:
    composed = "caf\u00e9 au lait"
    collection.answer = listing(f"{tail(composed)}:1\r\n")
    assert LeakedPasswords(collection.url, Metrics()).has("cafe\u0301 au lait")


def test_padding_entry_is_not_a_leak(collection: Collection) -> None:
    collection.answer = listing(f"{ELSEWHERE}{tail(LEAKED)}:0\r\n")
    assert not LeakedPasswords(collection.url, Metrics()).has(LEAKED)


ENDED = "BadStatusLine|RemoteDisconnected|TimeoutError|ConnectionResetError"  # depending on timing
KINDS = {
    "500": "status 500",
    "garbage": "no list",
    "redirect": "status 302",
    "head": ENDED,
    "body": f"too late|{ENDED}",
    "stall": ENDED,
    "long": "too long",
    "cut": "cut short",
    "away": "ConnectionRefusedError",
}


@pytest.mark.parametrize("trouble", KINDS)
def test_leak_server_fault_accepts_the_password_within_the_deadline(
    collection: Collection, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    listed = f"{tail(LEAKED)}:2\r\n"
    collection.answer = {
        "500": listing(listed, 500),
        "garbage": listing(f"{listed}<html>"),
        "redirect": redirect,
        "head": drip(collection, head=True),
        "body": drip(collection, head=False),
        "stall": stall(collection),
        "long": listing(listed + ELSEWHERE * (MAX_ANSWER // len(ELSEWHERE))),
        "cut": listing(listed, missing=1),
        "away": redirect,
    }[trouble]
    metrics, url = Metrics(), collection.url
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound and never listening: whoever connects is refused
        if trouble == "away":
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        began = time.monotonic()
        assert not LeakedPasswords(url, metrics, deadline=DEADLINE).has(LEAKED)
    assert time.monotonic() - began < DEADLINE + SLACK
    assert len(collection.asked) == (trouble != "away")
    assert outcomes(metrics) == {"failed": 1}
    (record,) = [each for each in caplog.records if each.name == "auth"]
    assert (record.levelname, record.getMessage()) == ("WARNING", "leaked passwords not asked")
    assert record.__dict__["error"] in KINDS[trouble].split("|")
    for secret in (LEAKED, PREFIX, tail(LEAKED)):
        assert secret.lower() not in str(record.__dict__).lower()


def test_unresponsive_addresses_share_one_deadline() -> None:
    with socket.socket() as full, suppress(BlockingIOError):
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # one waits to be taken, and whoever comes after it waits to be let in
        with socket.create_connection(full.getsockname()), socket.socket() as second:
            second.setblocking(False)
            with suppress(BlockingIOError):
                second.connect(full.getsockname())
            entry: Any = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
            metrics, began = Metrics(), time.monotonic()

            def resolve(*_: Any, **__: Any) -> list[Any]:
                return [entry] * 60

            asked = LeakedPasswords("http://many.example/", metrics, deadline=DEADLINE, resolve=resolve)
            assert not asked.has(LEAKED)
            assert DEADLINE / 2 < time.monotonic() - began < DEADLINE + SLACK
            assert outcomes(metrics) == {"failed": 1}


def test_call_whose_timer_cannot_start_fails_and_closes_its_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/", deadline=30, max_answer=1)
        with without_threads(), pytest.raises(CallFailed, match="RuntimeError"):
            endpoint.ask("GET")
        connection, _ = server.accept()
        with connection:
            connection.settimeout(DEADLINE + SLACK)
            assert connection.recv(1) == b""


@pytest.mark.parametrize("spoilt", [{}, {"self_signed": True}, {"expired": True}])
def test_invalid_leak_server_certificate_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: dict[str, bool]
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with serving(authority.context("127.0.0.1", **spoilt)) as collection:
        assert LeakedPasswords(collection.url, Metrics(), deadline=30).has(LEAKED) == (not spoilt)
        assert len(collection.asked) == (not spoilt)


def refused(status: tuple[int, str]) -> bool:
    return status == (400, "password_leaked")


def test_leaked_password_is_refused_wherever_it_is_set(app: Flask, client: FlaskClient) -> None:
    registered = register(client, "grace", password=LEAKED)
    assert rows(app, "SELECT id FROM users") == []
    access, link = signed_in(client)["access_token"], forget(app)
    reset = post(client, "password/reset", token=link, password=LEAKED)
    body = {"current_password": PASSWORD, "new_password": LEAKED}
    changed = post(client, "password/change", access, **body)
    for answer, field in ((registered, "password"), (reset, "password"), (changed, "new_password")):
        assert refused(said(answer))
        assert answer.get_json()["fields"] == {field: "was found in a data leak"}
        assert LEAKED not in answer.get_data(as_text=True)
    assert login(client).status_code == 200
    assert post(client, "password/reset", token=link, password=NEW).status_code == 200  # still good


def test_create_user_refuses_a_leaked_password(app: Flask) -> None:
    ada = ("--username", "ada", "--email", "ada@example.com", "--password-stdin")
    ran = app.test_cli_runner().invoke(args=["auth", "create-user", *ada], input=f"{LEAKED}\n")
    assert ran.exit_code == 1
    assert "data leak" in ran.output
    assert LEAKED not in ran.output
    assert rows(app, "SELECT id FROM users") == []


def test_unavailable_leak_server_accepts_every_new_password(
    app: Flask, client: FlaskClient, collection: Collection
) -> None:
    collection.answer = listing("", 503)
    assert register(client, password=LEAKED).status_code == 201
    confirm_addresses(app)
    access = login(client, password=LEAKED).get_json()["access_token"]
    body = {"current_password": LEAKED, "new_password": NEW}
    assert post(client, "password/change", access, **body).status_code == 200
    assert post(client, "password/reset", token=forget(app), password=LEAKED).status_code == 200
    assert len(collection.asked) == 3
    assert 'auth_leak_checks_total{outcome="failed"} 3.0' in client.get("/metrics").get_data(as_text=True)


def test_refused_request_makes_no_leak_lookup(
    app: Flask, client: FlaskClient, collection: Collection
) -> None:
    access = signed_in(client)["access_token"]
    collection.asked.clear()
    assert register(client, password=LEAKED).status_code == 409
    assert register(client, "grace", password="short").status_code == 400
    wrong = {"current_password": "not the right one", "new_password": LEAKED}
    assert post(client, "password/change", access, **wrong).status_code == 403
    assert login(client, password=LEAKED).status_code == 401
    assert collection.asked == []


@contextmanager
def connections_while_asked(app: Flask, collection: Collection) -> Iterator[list[int]]:
    """Yield the number of open database connections during each lookup."""
    found, answer = list[int](), collection.answer

    def look(handler: BaseHTTPRequestHandler) -> None:
        found.append(checked_out(app))
        answer(handler)

    collection.answer = look
    yield found


def test_leak_lookup_holds_no_database_connection(
    app: Flask, client: FlaskClient, collection: Collection
) -> None:
    with connections_while_asked(app, collection) as found:
        access = signed_in(client)["access_token"]
        confirm_addresses(app)
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert post(client, "password/change", access, **body).status_code == 200
        assert post(client, "password/reset", token=forget(app), password=PASSWORD).status_code == 200
        eve = ("--username", "eve", "--email", "eve@example.com", "--password-stdin")
        made = app.test_cli_runner().invoke(args=["auth", "create-user", *eve], input=f"{PASSWORD}\n")
        assert made.exit_code == 0, made.output
    assert found == [0, 0, 0, 0]


def test_hanging_leak_server_occupies_few_threads(collection: Collection) -> None:
    collection.answer = stall(collection)
    metrics = Metrics()
    leaks = LeakedPasswords(collection.url, metrics, deadline=60)
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        asking = [pool.submit(leaks.has, LEAKED) for _ in range(MAX_CONCURRENT)]
        until(lambda: len(collection.asked) == MAX_CONCURRENT, "all places to be taken")
        assert leaks.has(LEAKED) is False
        assert len(collection.asked) == MAX_CONCURRENT
        assert not any(each.done() for each in asking)
        collection.over.set()
        assert {each.result() for each in asking} == {False}
    assert outcomes(metrics) == {"failed": MAX_CONCURRENT + 1}


def test_leaked_password_refusal_does_not_reveal_a_hidden_account(
    make_app: AppFactory, collection: Collection
) -> None:
    app = make_app({"LEAKED_PASSWORDS_URL": collection.url, "HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    assert register(client, email="ada@example.com").status_code == 202
    for name, address in (("grace", "ada@example.com"), ("joan", "joan@example.com")):
        assert refused(said(register(client, name, email=address, password=LEAKED)))


def test_leak_lookup_is_off_by_default(make_app: AppFactory, collection: Collection) -> None:
    app = make_app()
    assert register(app.test_client(), password=LEAKED).status_code == 201
    assert collection.asked == []
    assert outcomes(app.extensions["auth_services"].metrics) == {}
    assert load().leaked_passwords_url is None


@pytest.mark.parametrize(
    "url",
    [
        *("http://leaks.example/range/", "https://leaks.example/range", "ftp://x/", "https:///"),
        *("https://x/?p=/", "https://x/#/", "https://x:port/", "https://x:99999/", "https://ada@x/"),
        *("https://x/a b/", "https://x/\u00e9/", "https://[x/", "x/"),
    ],
)
def test_unsafe_leaked_passwords_url_is_refused(url: str) -> None:
    assert any("LEAKED_PASSWORDS_URL" in fault for fault in faults(LEAKED_PASSWORDS_URL=url))
    good = "https://leaks.example/range/"
    assert load(LEAKED_PASSWORDS_URL=good).leaked_passwords_url == good
