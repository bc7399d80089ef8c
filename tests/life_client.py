"""The calls of an account's life over HTTP, each compared with what the model of it expects."""

from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from auth.flows import operators
from auth.flows.steps.operators import Operator
from models import db
from tests import mailbox
from tests.life_model import Owner, World
from tests.support import bearer
from utils.client_info import ClientInfo

Rows = list[list[tuple[Any, ...]]]
TABLES = ("users", "sessions", "one_time_tokens", "known_devices", "outbox")
OPERATOR = Operator("tester", ClientInfo(address=None, user_agent="", request_id=""))
# One for each action; what a network does to strangers is counted in one row.
EVENTS = text("SELECT sum(CASE WHEN counted_under IS NULL THEN 1 ELSE count END) FROM audit_events")


class Watched:
    """A service and the model of it. Each call says what it should answer and write."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world, self.client = app, world, app.test_client()
        with app.app_context(), db.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(table.delete())

    def tables(self) -> tuple[Rows, int, str]:
        """All rows but the log's; how many events there are; and the last of them.

        How often somebody guessed wrong is no matter of the model: `test_guessing.py` has it.
        """

        def facts(row: Any) -> tuple[Any, ...]:
            return tuple(value for name, value in row._mapping.items() if name != "failures")

        with self.app.app_context(), db.engine.connect() as connection:
            found = [
                sorted(facts(row) for row in connection.execute(text(f"SELECT * FROM {name}")))
                if name == "known_devices"
                else [facts(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY id"))]
                for name in TABLES
            ]
            count = connection.execute(EVENTS).scalar() or 0
            last = connection.execute(text("SELECT event FROM audit_events ORDER BY id DESC LIMIT 1"))
            return found, count, last.scalar() or ""

    def call(
        self,
        path: str,
        body: dict[str, Any] | None,
        expected: int | str,
        event: str | None,
        *,
        token: str = "",
        method: str = "POST",
        changes: bool = False,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """One call; `expected` is the status of a success, or the code of a refusal.

        A refusal changes nothing but the log, unless it `changes`; `event` is the one word that is
        added to that, if any.
        """
        rows, count, _ = self.tables()
        sent = (bearer(token) if token else {}) | (headers or {})
        answer = self.client.open(f"/auth/{path}", method=method, json=body, headers=sent)
        got = answer.status_code if answer.status_code < 400 else answer.get_json()["code"]
        assert got == expected, (path, body, answer.get_data(as_text=True), expected)
        rows_now, count_now, last = self.tables()
        assert count_now - count == (event is not None), (path, expected, event)
        # A stranger's event may be counted in an older row.
        assert event is None or last == event or self.has(event), (path, last, event)
        if isinstance(expected, str) and not changes:
            assert rows_now == rows, (path, expected)
        self.receive()
        return answer

    def has(self, event: str) -> bool:
        with self.app.app_context(), db.engine.connect() as connection:
            counted = "SELECT 1 FROM audit_events WHERE event = :event AND counted_under IS NOT NULL"
            return connection.execute(text(counted), {"event": event}).first() is not None

    def receive(self) -> None:
        """Deliver the mails; they are those that the model expects, and bring it its tokens."""
        mails = mailbox.delivered(self.app)
        # A mail whose link works no more does not go: that of an account whose time is over.
        expected = [mail for mail in self.world.expected if not mail[2] or mail[2].is_alive(self.world.now)]
        self.world.expected = []
        assert [(mailbox.template_of(mail), mail["To"]) for mail in mails] == [m[:2] for m in expected]
        for mail, (_, _, link) in zip(mails, expected, strict=True):
            token = mailbox.any_token(mail)
            assert (token is not None) == (link is not None)
            if link:
                link.token = token or ""

    def prune(self) -> int:
        """`flask auth prune`; how many events it wrote."""
        count = self.tables()[1]
        with self.app.app_context():
            operators.prune(self.app.extensions["auth_services"], OPERATOR)
        return self.tables()[1] - count

    # Whether the database and the model agree

    def check_rows(self) -> None:
        with self.app.app_context(), db.engine.connect() as connection:
            found = connection.execute(db.metadata.tables["users"].select().order_by(text("id"))).all()
            facts = [
                (
                    u.username,
                    u.email,
                    bool(u.email_verified_at),
                    bool(u.password_blocked_at),
                    u.deletion_due_at,
                )
                for u in found
            ]
            owners = self.world.living()
            assert facts == [(o.name, o.address, o.verified, o.blocked, o.leaving) for o in owners]
            hasher = self.app.extensions["auth_services"].hasher
            for user, owner in zip(found, owners, strict=True):
                assert hasher.check(user.password_hash, owner.password)
                self.check_account(connection, user.id, owner)

    def check_account(self, connection: Any, user_id: int, owner: Owner) -> None:
        tables, now = db.metadata.tables, self.world.now
        tokens = tables["one_time_tokens"]
        alive = connection.execute(
            tokens.select().where(
                tokens.c.user_id == user_id, tokens.c.used_at.is_(None), tokens.c.expires_at > now
            )
        )
        mine = [link for link in self.world.links if link.owner is owner and link.is_alive(now)]
        assert sorted((row.purpose, row.email) for row in alive) == sorted(
            (link.purpose, link.address) for link in mine
        )
        sessions = tables["sessions"]
        rows = connection.execute(
            sessions.select().where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        )
        kept = [s for s in self.world.sessions if s.owner is owner and not s.ended and not s.pruned]
        assert sorted(row.auth_time for row in rows) == sorted(s.signed_in for s in kept)

    def check_tokens(self) -> None:
        """Each access token that was ever given is admitted exactly while it should be."""
        for session in self.world.sessions:
            for token, expires in session.access:
                answer = self.client.get("/auth/me", headers=bearer(token))
                if session.admits(expires, self.world.now):
                    assert answer.get_json()["user"]["username"] == session.owner.name
                else:
                    assert answer.status_code == 401, (session, expires)

    def check_ended(self) -> None:
        """No refresh token that was ever given revives a session that is over."""
        for session in self.world.sessions:
            if not session.lives(self.world.now) or session.owner.erased or session.pruned:
                for token in session.refresh:
                    answer = self.client.post("/auth/refresh", json={"refresh_token": token})
                    assert answer.status_code == 401, session

    def check_links(self) -> None:
        """`reset/check` says of every link what the model says of it."""
        for link in filter(lambda one: one.token, self.world.links):
            answer = self.client.post("/auth/password/reset/check", json={"token": link.token}).get_json()
            assert answer.get("code") == self.world.refusal(link, "reset"), link
