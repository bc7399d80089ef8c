"""Client authentication: the header, the body, or the id alone."""

import base64
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from flask import Flask
from sqlalchemy import event

from oauth.clients import credentials
from oauth.clients.authentication import NOTED_EVERY, authenticate
from oauth.clients.errors import CredentialsTwice, InvalidClient
from oauth.errors import OAuthError
from oauth.stores import clients
from tables.oauth import Client
from tests.support.oauth import SECRET, client_row
from tests.support.service import FixedClock, engine_of, execute, rows
from utils.client_info import ClientInfo
from utils.services import services
from utils.web.forms import Parameters, parsed

CALLER = ClientInfo("192.0.2.1", "a client", "0123456789abcdef")


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def called(app: Flask, authorization: str | None = None, form: str | Parameters = "") -> Client:
    parameters = parsed(form) if isinstance(form, str) else form
    with app.app_context():
        return authenticate(services(), authorization, parameters, CALLER)


def refused(app: Flask, authorization: str | None = None, form: str = "") -> OAuthError:
    with pytest.raises(OAuthError) as raised:
        called(app, authorization, form)
    return raised.value


def reasons(app: Flask) -> list[str]:
    return [row["reason"] for row in rows(app, "SELECT reason FROM oauth_refusals ORDER BY id")]


@pytest.mark.both_databases
def test_confidential_client_authenticates_by_header_or_body(app: Flask) -> None:
    client_row(app)
    assert called(app, basic("app", SECRET)).id == "app"
    assert called(app, basic("app", SECRET), "client_id=app").id == "app"
    assert called(app, None, f"client_id=app&client_secret={SECRET}").id == "app"


def test_public_client_names_itself_and_has_no_secret(app: Flask) -> None:
    client_row(app, "spa", kind="spa")
    assert called(app, None, "client_id=spa").kind == "spa"
    assert called(app, basic("spa", "")).kind == "spa"
    assert isinstance(refused(app, None, "client_id=spa&client_secret=guess"), InvalidClient)
    assert reasons(app) == ["secret_unexpected"]


def test_id_and_secret_are_form_urlencoded_inside_basic() -> None:
    header = basic("app", "a+b c:d%2F/é")
    assert credentials.read_basic(header) == ("app", "a+b c:d%2F/é")


@pytest.mark.parametrize(
    ("authorization", "form", "reason"),
    [
        (basic("app", "wrong"), "", "secret_wrong"),
        (None, "client_id=app&client_secret=wrong", "secret_wrong"),
        (None, "client_id=app", "secret_missing"),
        (basic("app", ""), "", "secret_missing"),
        ("Bearer abc", "client_id=app", "credentials_malformed"),
        (None, "client_id=app&client_assertion=a.b.c", "credentials_unsupported"),
    ],
)
def test_confidential_client_without_its_secret_is_refused(
    app: Flask, authorization: str | None, form: str, reason: str
) -> None:
    client_row(app)
    refusal = refused(app, authorization, form)
    assert (refusal.status, refusal.extra["error"]) == (401, "invalid_client")
    assert ("WWW-Authenticate" in refusal.headers) == (authorization is not None)
    assert reasons(app) == [reason]


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        (basic("app", SECRET), f"client_secret={SECRET}"),
        (basic("app", SECRET), f"client_id=app&client_secret={SECRET}"),
        (basic("app", SECRET), "client_id=other"),
        (basic("app", SECRET), "client_id=app&client_assertion=a.b.c"),
        (None, f"client_id=app&client_id=other&client_secret={SECRET}"),
        (None, f"client_id=app&client_secret={SECRET}&client_secret=other"),
    ],
)
def test_fault_37_two_ways_to_authenticate_or_two_ids_are_an_invalid_request(
    app: Flask, authorization: str | None, form: str
) -> None:
    client_row(app)
    client_row(app, "other")
    refusal = refused(app, authorization, form)
    assert isinstance(refusal, CredentialsTwice)
    assert (refusal.status, refusal.extra["error"]) == (400, "invalid_request")
    assert reasons(app) == ["credentials_twice"]


def encoded(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


HOSTILE = [
    *(
        "",
        " ",
        "Basic",
        "Basic ",
        "basic",
        "Basic:",
        "Basic =",
        "Basic ====",
        "Basic a",
        "Basic ab",
        "Basic abc",
    ),
    *(
        "Basic a=b",
        "Basic YXBwOng",
        "Basic YXBwOng= ",
        " Basic YXBwOng=",
        "Basic\tYXBwOng=",
        "Basic YXBwOng=,x",
    ),
    *(
        "Basic YXBwOng=\x00",
        "Basic YXB\nwOng=",
        "BasicYXBwOng=",
        "Basic YXBwOng= YXBwOng=",
        "Basic é",
        "Basic 💥",
    ),
    *(
        "Basic -_-_",
        "Basic YXBwOng=\udcff",
        "Bearer",
        "Bearer x",
        "Digest username=app",
        "Negotiate x",
        "DPoP x",
    ),
    *(
        "Basic realm=x",
        "Basic " + "A" * 5000,
        "Basic " + "=" * 5000,
        "A" * 70_000,
        "Basic \u00a0YXBwOng=",
        "null",
    ),
    *(
        encoded(raw)
        for raw in (b"", b":", b"app", b":secret", b"\xff\xfe:x", b"app:\xff", b"\x00:\x00", b"app\x00:x")
    ),
    *(
        encoded(raw)
        for raw in (b"app:%", b"app:%4", b"app:%zz", b"app:%ff", b"%ff:x", b"%:x", b"%00:x", b"app%00:x")
    ),
    *(encoded(raw) for raw in (b"app:wrong", b"APP:wrong", b" app:wrong", b"app :wrong", b"app:wrong:wrong")),
    *(encoded(b"app:" + bytes([byte])) for byte in range(32)),
    *(encoded(bytes([byte]) + b":x") for byte in range(128, 192)),
    *(encoded(b"app:%" + f"{byte:02x}".encode()) for byte in range(128, 192)),
]


def test_fault_36_two_hundred_hostile_headers_are_401(app: Flask) -> None:
    client_row(app)
    assert len(HOSTILE) >= 200
    for header in HOSTILE:
        assert refused(app, header).status == 401, header
        assert refused(app, header, "client_id=app").status in {400, 401}, header


@pytest.mark.parametrize("name", ["nobody", "", "a" * 65, "a\x00b", "é", "../app", "app "])
def test_unknown_client_is_refused_and_writes_nothing(app: Flask, name: str) -> None:
    client_row(app)
    form = Parameters({"client_id": name, "client_secret": SECRET}, frozenset())
    with pytest.raises(InvalidClient):
        called(app, None, form)
    assert reasons(app) == []


def statements(app: Flask, form: str) -> list[str]:
    """Return the reading statements of a refused call."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    engine = engine_of(app)
    event.listen(engine, "before_cursor_execute", note)
    refused(app, None, form)
    event.remove(engine, "before_cursor_execute", note)
    return [statement for statement in found if statement.startswith("SELECT")]


def test_unknown_client_costs_the_statements_and_comparison_of_a_known_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_row(app)
    refused(app, None, "client_id=app&client_secret=wrong")  # its row of refusals is written once a second
    compared: list[bool] = []
    compare = hmac.compare_digest

    def counted(a: bytes, b: bytes) -> bool:
        compared.append(True)
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    known = statements(app, "client_id=app&client_secret=wrong")
    unknown = statements(app, "client_id=nobody&client_secret=wrong")
    assert known == unknown
    assert len(compared) == 2


@pytest.mark.both_databases
def test_disabled_client_is_refused(app: Flask) -> None:
    client_row(app)
    execute(app, "UPDATE oauth_clients SET disabled_at = '2026-03-01 12:00:00+00:00'")
    assert refused(app, basic("app", SECRET)).status == 401
    assert reasons(app) == ["client_disabled"]


def test_expired_secret_is_refused(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    execute(app, "UPDATE oauth_client_secrets SET expires_at = '2026-03-01 12:00:01.000000'")
    assert called(app, basic("app", SECRET)).id == "app"
    clock.advance(2)
    assert refused(app, basic("app", SECRET)).status == 401


def test_secret_of_another_client_is_refused(app: Flask) -> None:
    client_row(app)
    client_row(app, "other", secret="another secret")
    assert refused(app, basic("app", "another secret")).status == 401


@pytest.mark.both_databases
def test_use_is_written_at_most_once_an_hour(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    sql = "SELECT c.last_used_at AS c, s.last_used_at AS s FROM oauth_clients c, oauth_client_secrets s"
    called(app, basic("app", SECRET))
    first = rows(app, sql)[0]
    assert first["c"] == first["s"] is not None
    clock.advance(3599)
    called(app, basic("app", SECRET))
    assert rows(app, sql)[0] == first
    clock.advance(1)
    called(app, basic("app", SECRET))
    assert rows(app, sql)[0]["c"] != first["c"]


def test_wrong_secret_is_never_in_the_record(app: Flask) -> None:
    client_row(app)
    refused(app, basic("app", " swordfish"))
    detail = rows(app, "SELECT detail FROM oauth_refusals")[0]["detail"]
    assert "swordfish" not in detail
    assert "10 characters, of which the first or last is a space" in detail


@pytest.mark.both_databases
def test_concurrent_first_uses_are_written_once(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    earlier = clock.now()
    with app.app_context():
        tx = services().tx()
        clients.note_use(tx, "app", earlier, NOTED_EVERY)
        clients.note_use(tx, "app", earlier + timedelta(minutes=5), NOTED_EVERY)  # the later of two
        tx.commit()
        assert clients.every(tx)[0].last_used_at == earlier


@pytest.mark.parametrize("text", ["", "\0", "app\0", "app\n", "-app", "ap p", "\ud800", "ä", "a" * 65])
def test_text_without_the_form_of_a_client_id_reaches_no_statement(text: str) -> None:
    no_database: Any = None
    assert clients.find(no_database, text) is None
