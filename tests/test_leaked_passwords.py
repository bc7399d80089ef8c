"""New passwords looked up in a collection of leaked ones, against a stand-in that may do anything."""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import db
from tests.calls import NEW, forget, post, said
from tests.conftest import AppFactory
from tests.production import faults, load
from tests.support import PASSWORD, login, register, rows, signed_in
from utils.leaked_passwords import MAX_ANSWER, LeakedPasswords
from utils.metrics import Metrics

LEAKED = "a password that leaked"
DEADLINE = 0.5
ELSEWHERE = f"{'0' * 35}:12\r\n{'A' * 35}:3\r\n"
Answer = Callable[[BaseHTTPRequestHandler], None]


def tail(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()[5:]


def listing(text: str, status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


class Collection:
    """A stand-in for the collection: answers as it is told, and notes what it is asked."""

    def __init__(self) -> None:
        self.answer = listing(f"{ELSEWHERE}{tail(LEAKED)}:2\r\n")
        self.asked: list[tuple[str, str | None]] = []
        self.over = Event()
        self.url = ""


@pytest.fixture
def collection() -> Iterator[Collection]:
    made = Collection()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers["Add-Padding"]))
            made.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}/range/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def app(make_app: AppFactory, collection: Collection) -> Flask:
    return make_app({"LEAKED_PASSWORDS_URL": collection.url})


def outcomes(metrics: Metrics) -> dict[str, float]:
    found = (sample for family in metrics.leak_checks.collect() for sample in family.samples)
    return {each.labels["outcome"]: each.value for each in found if each.name.endswith("_total")}


def test_a_password_that_leaked_is_known_by_five_digits(collection: Collection) -> None:
    metrics = Metrics()
    leaks = LeakedPasswords(collection.url, metrics)
    assert leaks.has(LEAKED)
    assert not leaks.has(PASSWORD)
    digests = [hashlib.sha1(each.encode()).hexdigest().upper() for each in (LEAKED, PASSWORD)]
    assert collection.asked == [(f"/range/{digest[:5]}", "true") for digest in digests]
    assert outcomes(metrics) == {"leaked": 1, "clean": 1}


def test_it_is_asked_in_the_form_that_is_hashed(collection: Collection) -> None:
    composed = "caf\u00e9 au lait"
    collection.answer = listing(f"{tail(composed)}:1\r\n")
    assert LeakedPasswords(collection.url, Metrics()).has("cafe\u0301 au lait")


def test_padding_is_no_leak(collection: Collection) -> None:
    collection.answer = listing(f"{ELSEWHERE}{tail(LEAKED)}:0\r\n")
    assert not LeakedPasswords(collection.url, Metrics()).has(LEAKED)


def redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere/")
    handler.end_headers()


def drip(collection: Collection, *, head: bool) -> Answer:
    """A byte now and then, for as long as the test lasts: of the headers, or of the list."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if not head:
            handler.send_response(200)
            handler.end_headers()
        try:
            while not collection.over.wait(0.05):
                handler.wfile.write(b"A")
                handler.wfile.flush()
        except OSError:
            pass

    return answer


def stall(collection: Collection) -> Answer:
    def answer(_: BaseHTTPRequestHandler) -> None:
        collection.over.wait()

    return answer


@pytest.mark.parametrize("trouble", ["500", "garbage", "redirect", "head", "body", "stall", "long", "away"])
def test_whatever_it_does_the_password_is_taken_and_soon(
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
        "long": listing(listed + "A:1\r\n" * (MAX_ANSWER // 5)),
        "away": redirect,
    }[trouble]
    metrics, url = Metrics(), collection.url
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # bound and never listening: whoever connects is refused
        if trouble == "away":
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        began = time.monotonic()
        assert not LeakedPasswords(url, metrics, DEADLINE).has(LEAKED)
    assert time.monotonic() - began < DEADLINE + 5
    assert len(collection.asked) == (trouble != "away")
    assert outcomes(metrics) == {"failed": 1}
    (record,) = [each for each in caplog.records if each.getMessage() == "leaked passwords not asked"]
    assert LEAKED not in str(record.__dict__)
    assert tail(LEAKED) not in str(record.__dict__)


def refused(status: tuple[int, str]) -> bool:
    return status == (400, "password_leaked")


def test_no_new_password_may_be_one(app: Flask, client: FlaskClient) -> None:
    answer = register(client, "grace", password=LEAKED)
    assert refused(said(answer))
    assert answer.get_json()["fields"] == {"password": "was found in a data leak"}
    assert rows(app, "SELECT id FROM users") == []
    access, link = signed_in(client)["access_token"], forget(app)
    assert refused(said(post(client, "password/reset", token=link, password=LEAKED)))
    body = {"current_password": PASSWORD, "new_password": LEAKED}
    answer = post(client, "password/change", access, **body)
    assert refused(said(answer))
    assert set(answer.get_json()["fields"]) == {"new_password"}
    assert LEAKED not in answer.get_data(as_text=True)
    assert login(client).status_code == 200
    assert post(client, "password/reset", token=link, password=NEW).status_code == 200  # still good


def test_nothing_is_asked_for_what_is_refused_anyway(
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
    """How many database connections are out at each question."""
    with app.app_context():
        pool = db.engine.pool
    found, answer = list[int](), collection.answer

    def look(handler: BaseHTTPRequestHandler) -> None:
        found.append(pool.checkedout())  # type: ignore[attr-defined]  # a queue pool has it
        answer(handler)

    collection.answer = look
    yield found


def test_nobody_holds_a_connection_while_it_is_asked(
    app: Flask, client: FlaskClient, collection: Collection
) -> None:
    with connections_while_asked(app, collection) as found:
        access = signed_in(client)["access_token"]
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert post(client, "password/change", access, **body).status_code == 200
        assert post(client, "password/reset", token=forget(app), password=PASSWORD).status_code == 200
    assert found == [0, 0, 0]


def test_hidden_addresses_stay_hidden(make_app: AppFactory, collection: Collection) -> None:
    app = make_app({"LEAKED_PASSWORDS_URL": collection.url, "HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    assert register(client, email="ada@example.com").status_code == 202
    for name, address in (("grace", "ada@example.com"), ("joan", "joan@example.com")):
        assert refused(said(register(client, name, email=address, password=LEAKED)))


def test_by_default_nobody_is_asked(make_app: AppFactory, collection: Collection) -> None:
    assert register(make_app().test_client(), password=LEAKED).status_code == 201
    assert collection.asked == []


@pytest.mark.parametrize(
    "url",
    ["http://leaks.example/range/", "https://leaks.example/range", "ftp://x/", "https:///", "https://x/?p=/"],
)
def test_a_collection_that_cannot_be_asked_safely_is_no_setting(url: str) -> None:
    assert any("LEAKED_PASSWORDS_URL" in fault for fault in faults(LEAKED_PASSWORDS_URL=url))
    good = "https://leaks.example/range/"
    assert load(LEAKED_PASSWORDS_URL=good).leaked_passwords_url == good
