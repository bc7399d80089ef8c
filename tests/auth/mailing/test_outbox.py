"""The outbox: mails stored in the transaction that causes them, claimed atomically, retried for a day."""

import base64
from datetime import timedelta
from email.message import EmailMessage
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from auth.mailing.delivery import LEASE
from auth.stores import outbox
from models import OutgoingMail, db
from tests.conftest import AppFactory
from tests.support.requests import confirmed
from tests.support.sent_mail import (
    RefusingMailer,
    deliver_next,
    delivered,
    outcomes,
    services_of,
    token_in,
    write,
)
from tests.support.server import DEADLINE
from tests.support.service import START, FixedClock, at_once, events, execute, register, rows
from utils.mail.mailers import TEMPLATE_HEADER, MemoryMailer

pytestmark = pytest.mark.both_databases(slow=True)
DELIVERERS = 16


def forgot(client: FlaskClient, name: str = "ada") -> None:
    answer = client.post("/auth/password/forgot", json={"email": f"{name}@example.com"})
    assert answer.status_code == 202


def state(app: Flask) -> list[tuple[Any, ...]]:
    """Return (attempts, seconds to the next, error) of waiting mails; (None, outcome, error) of others."""
    with app.app_context():
        kept = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
        return [
            (m.attempts, (m.due_at - START).total_seconds(), m.last_error)
            if not m.sent_at and not m.given_up_at
            else (None, "sent" if m.sent_at else "given up", m.last_error)
            for m in kept
        ]


def test_mail_is_sent_once_after_the_request(app: Flask, client: FlaskClient) -> None:
    register(client)
    assert services_of(app).mailer.sent == []  # type: ignore[attr-defined]
    (mail,) = delivered(app)
    assert (mail["To"], mail[TEMPLATE_HEADER]) == ("ada@example.com", "verify_email")
    assert delivered(app) == []
    assert state(app) == [(None, "sent", None)]
    assert outcomes(app) == {"sent": 1}


@pytest.mark.provokes_errors
def test_rolled_back_request_leaves_no_mail(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("auth.stores.audit.append", fail)  # the last statement of a registration
    assert register(client).status_code == 500
    assert rows(app, "SELECT id FROM outbox") == rows(app, "SELECT id FROM one_time_tokens") == []
    assert delivered(app) == []


def test_link_secret_is_not_stored_in_the_database(app: Flask, client: FlaskClient) -> None:
    register(client)
    forgot(client)
    mails = delivered(app)
    for token in {token_in(mail) for mail in mails}:
        raw = base64.urlsafe_b64decode(token)
        secret = raw[16:]  # before it is the id of its row, which is no secret
        spellings = {token, token[22:], raw.hex(), secret.hex(), base64.b64encode(secret).decode()}
        for table in db.metadata.tables.values():
            with app.app_context():
                kept = db.session.execute(select(table)).all()
            for value in (value for row in kept for value in row):
                data = value if isinstance(value, bytes) else str(value).encode()
                assert secret not in data, table.name
                assert not any(text.encode() in data for text in spellings), table.name


@pytest.mark.both_databases
def test_concurrent_deliverers_claim_different_mails(make_app: AppFactory) -> None:
    together, mailer = Barrier(DELIVERERS, timeout=DEADLINE), MemoryMailer()

    class Meeting:
        def send(self, message: EmailMessage) -> None:
            together.wait()  # passes only when each of the others has a mail in hand, too
            mailer.send(message)

    app = make_app(mailer=Meeting())
    for number in range(DELIVERERS):
        register(app.test_client(), f"ada{number}")
    assert all(at_once([lambda: deliver_next(app)] * DELIVERERS))
    assert sorted(m["To"] for m in mailer.sent) == sorted(f"ada{n}@example.com" for n in range(DELIVERERS))
    assert state(app) == [(None, "sent", None)] * DELIVERERS


def test_sixteen_deliverers_deliver_each_mail_once(app: Flask, client: FlaskClient) -> None:
    for number in range(40):
        register(client, f"ada{number}")
    mailer: Any = services_of(app).mailer

    def work() -> int:
        return sum(iter(lambda: int(deliver_next(app)), 0))

    assert sum(at_once([work] * DELIVERERS)) == 40
    assert sorted(m["To"] for m in mailer.sent) == sorted(f"ada{n}@example.com" for n in range(40))
    assert outcomes(app) == {"sent": 40}


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_mail_of_a_dead_deliverer_is_resent_after_the_lease(
    make_app: AppFactory, clock: FixedClock, end: type[BaseException]
) -> None:
    class Dying(MemoryMailer):
        def send(self, message: EmailMessage) -> None:
            super().send(message)
            raise end

    dying = Dying()
    register(make_app().test_client())
    with pytest.raises(end):
        deliver_next(make_app(mailer=dying))
    other = make_app()
    clock.advance(LEASE.total_seconds() - 1)
    assert delivered(other) == []
    clock.advance(1)
    (mail,) = delivered(other)
    assert mail["Message-ID"] == dying.sent[0]["Message-ID"]
    assert mail.as_bytes().replace(boundary(mail), b"") == (
        dying.sent[0].as_bytes().replace(boundary(dying.sent[0]), b"")
    )


def boundary(mail: EmailMessage) -> bytes:
    return str(mail.get_boundary()).encode()


def test_expired_lease_overwrites_nothing(make_app: AppFactory, clock: FixedClock) -> None:
    """The result of the second deliverer stays, whatever the first one's was."""
    app = make_app(mailer=RefusingMailer())
    register(app.test_client())
    now, session = clock.now(), services_of(app).tx
    with app.app_context():
        first = outbox.claim(session(), now, now + LEASE)
        session().commit()
        assert first
        assert outbox.claim(session(), now + LEASE - timedelta(seconds=1), now) is None
    clock.advance(LEASE.total_seconds())
    assert deliver_next(app)
    after = state(app)
    assert after == [(2, LEASE.total_seconds() + 120, "SMTPDataError 451")]
    with app.app_context():
        for late in ({"sent_at": now}, {"due_at": now, "last_error": "late"}, {"given_up_at": now}):
            assert not outbox.settle(session(), first.id, first.attempts, **late)
        session().commit()
    assert state(app) == after


def test_mail_is_retried_with_backoff_and_given_up_after_a_day(
    make_app: AppFactory, clock: FixedClock
) -> None:
    mailer = RefusingMailer()
    app = make_app(mailer=mailer)
    write(app, "password_changed")
    tried: list[int] = []
    while (waits := state(app)[0])[0] is not None:
        clock.moment = START + timedelta(seconds=waits[1] - 1)
        assert not deliver_next(app), "a second early"
        clock.advance(1)
        assert deliver_next(app)
        tried.append(round((clock.now() - START).total_seconds() / 60))
        assert len(tried) < 40
    assert tried[:9] == [0, 1, 3, 7, 15, 31, 63, 127, 247]
    assert {later - before for before, later in pairwise(tried[8:])} == {120}
    assert 24 * 60 <= tried[-1] < 26 * 60
    assert state(app) == [(None, "given up", "SMTPDataError 451")]
    assert rows(app, "SELECT event, user_id, reason FROM audit_events ORDER BY id DESC LIMIT 1") == [
        {"event": "mail_given_up", "user_id": 1, "reason": None}
    ]
    assert events(app).count("mail_given_up") == 1
    assert len({mail["Message-ID"] for mail in mailer.seen}) == 1
    assert outcomes(app) == {"failed": len(tried) - 1, "given_up": 1}
    clock.advance(7 * 24 * 3600)
    assert not deliver_next(app)


def test_mail_with_an_expired_link_is_given_up(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(mailer=RefusingMailer())
    register(app.test_client())
    assert deliver_next(app)
    clock.advance(24 * 3600 - 1)
    assert deliver_next(app)
    assert events(app).count("mail_given_up") == 0
    clock.advance(3600)
    assert deliver_next(app)
    assert state(app) == [(None, "given up", "the link has run out")]
    assert events(app).count("mail_given_up") == 1
    assert outcomes(app) == {"failed": 2, "given_up": 1}


@pytest.mark.parametrize("how", ["used", "replaced", "erased"])
def test_mail_with_a_void_link_is_not_sent(
    app: Flask, client: FlaskClient, clock: FixedClock, how: str
) -> None:
    confirmed(app)
    delivered(app)
    forgot(client)
    if how == "used":
        execute(app, "UPDATE one_time_tokens SET used_at = created_at")
    elif how == "erased":
        execute(app, "UPDATE outbox SET token_id = NULL")
    else:
        for _ in range(3):  # at most three live at a time, and three mails go in an hour
            execute(app, "UPDATE outbox SET created_at = '2026-01-01' WHERE template = 'reset_password'")
            execute(app, "DELETE FROM rate_limits")
            clock.advance(1)
            forgot(client)
    assert len(delivered(app)) == (3 if how == "replaced" else 0)
    assert state(app)[1] == (None, "given up", "the link is void")
    assert outcomes(app)["outdated"] == 1
    assert "mail_given_up" not in events(app)


SPOILT = [
    "UPDATE outbox SET template = 'of_a_newer_release' WHERE id = 1",
    "UPDATE one_time_tokens SET purpose = 'of_a_newer_release'",
    "UPDATE outbox SET recipient = 'nobody' WHERE id = 1",
    "UPDATE outbox SET recipient = '' WHERE id = 1",
    "UPDATE outbox SET recipient = 'ada@example.com\r\nBcc: eve@example.com' WHERE id = 1",
    "UPDATE outbox SET recipient = '=?utf-8?q?eve=40evil.example=3e=20?=ada@example.com' WHERE id = 1",
    "UPDATE outbox SET template = 'username_changed', facts = '{}' WHERE id = 1",
    "UPDATE outbox SET facts = 'null' WHERE id = 1",
    "UPDATE outbox SET facts = '[1]' WHERE id = 1",
]


@pytest.mark.parametrize("spoil", SPOILT, ids=range(len(SPOILT)))
def test_malformed_outbox_row_does_not_affect_others(
    app: Flask, client: FlaskClient, clock: FixedClock, spoil: str
) -> None:
    register(client)
    execute(app, spoil)
    register(client, "bob")
    assert [mail["To"] for mail in delivered(app)] == ["bob@example.com"]
    assert outcomes(app) == {"failed": 1, "sent": 1}
    ((attempts, due, said), _) = state(app)
    assert (attempts, due) == (1, 60)
    assert said.startswith("cannot be made (")
    execute(app, "UPDATE one_time_tokens SET expires_at = '2027-01-01'")  # the link is not what fails
    clock.advance(25 * 3600)
    assert delivered(app) == []
    assert events(app).count("mail_given_up") == 1


def test_unknown_address_writes_a_row_that_is_never_sent(app: Flask, client: FlaskClient) -> None:
    for name in ("stranger", "stranger", "other"):
        forgot(client, name)
        client.post("/auth/email/resend", json={"email": f"{name}@example.com"})
    assert len(rows(app, "SELECT id FROM outbox")) == 6
    assert delivered(app) == []
    assert outcomes(app) == {}
    assert {row["recipient"] for row in rows(app, "SELECT recipient FROM outbox")} == {""}


def test_fourth_mail_in_an_hour_is_never_sent(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    confirmed(app)
    delivered(app)
    for _ in range(4):
        forgot(client)
    assert len(rows(app, "SELECT id FROM outbox")) == 5
    assert len(delivered(app)) == 3
    clock.advance(3600)
    forgot(client)
    assert len(delivered(app)) == 1


def test_requests_never_call_the_mailer(make_app: AppFactory) -> None:
    class Broken:
        def send(self, _message: EmailMessage) -> None:
            raise AssertionError("a request must not touch the mailer")

    client = make_app(mailer=Broken()).test_client()
    assert register(client).status_code == 201
    known = client.post("/auth/password/forgot", json={"email": "ada@example.com"})
    unknown = client.post("/auth/password/forgot", json={"email": "eve@example.com"})
    assert (known.status_code, known.get_json()) == (unknown.status_code, unknown.get_json())
