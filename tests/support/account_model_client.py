"""The calls of the account model over HTTP, each compared with the model's expectation."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from auth.admin import operators, pruning
from auth.roles.actors import Operator
from models import db
from tests.support import mailbox
from tests.support.account_model import Owner, World
from tests.support.account_model_factors import Challenge
from tests.support.service import bearer
from utils.client_info import ClientInfo

Rows = dict[str, list[tuple[Any, ...]]]
TABLES = (
    *("users", "sessions", "one_time_tokens", "known_devices", "outbox"),
    *("totp_factors", "recovery_codes", "passkeys", "challenges"),
)
CHECKED = TABLES[1:4] + TABLES[5:]
# Failure counts: every refusal may count. Those of second factors are compared separately.
COUNTS = {"failures", "totp_failures", "factor_tries", "factor_tries_end_at"}
OPERATOR = Operator("tester", ClientInfo(address=None, user_agent="", request_id=""))
# One for each action. What strangers can cause is counted in one row for each network; the count of these is
# that of the ended sessions or deleted rows.
NUMBER = "CASE WHEN event IN ('other_sessions_ended', 'pruned') THEN 1 ELSE count END"
EVENTS = text(f"SELECT sum({NUMBER}) FROM audit_events")


class CheckedService:
    """A service and its model. Each call states the expected response and event."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world, self.client = app, world, app.test_client()
        self.refused: set[str] = set()  # access tokens
        self.hashes: set[tuple[str, str]] = set()  # with their passwords
        with app.app_context(), db.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(table.delete())

    def tables(self) -> Rows:
        """Return all rows except the audit log's."""

        def facts(row: Any) -> tuple[Any, ...]:
            return tuple(value for name, value in row._mapping.items() if name not in COUNTS)

        with self.app.app_context(), db.engine.connect() as connection:
            return {
                name: [facts(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2"))]
                for name in TABLES
            }

    def log(self) -> tuple[int, list[str]]:
        """Return the number of events, and the latest ones, newest first."""
        with self.app.app_context(), db.engine.connect() as connection:
            latest = connection.execute(text("SELECT event FROM audit_events ORDER BY id DESC LIMIT 2"))
            return connection.execute(EVENTS).scalar() or 0, [*latest.scalars()]

    def call(
        self,
        path: str,
        body: dict[str, Any] | None,
        expected: int | str,
        event: str | None,
        *,
        token: str = "",
        method: str = "POST",
        touches: Collection[str] = (),
        headers: dict[str, str] | None = None,
        also: Sequence[str] = (),
    ) -> TestResponse:
        """Make one call; `expected` is the status of a success, or the error code of a refusal.

        A refusal changes only the log and the tables in `touches`. `event` is the one event added, if any;
        `also` holds the events before it.
        """
        rows = self.tables() if isinstance(expected, str) else {}
        count, _ = self.log()
        sent = (bearer(token) if token else {}) | (headers or {})
        answer = self.client.open(f"/auth/{path}", method=method, json=body, headers=sent)
        got = answer.status_code if answer.status_code < 400 else answer.get_json()["code"]
        assert got == expected, (path, body, answer.get_data(as_text=True), expected)
        count_now, latest = self.log()
        assert count_now - count == (event is not None) + len(also), (path, expected, event, also, latest)
        # An event that strangers can cause may be counted in an older row.
        assert event is None or latest[0] == event or self.has(event), (path, latest, event)
        assert not also or latest == [event, *also], (path, latest, event, also)
        if isinstance(expected, str):
            rows_now = self.tables()
            changed = {name for name in TABLES if rows_now[name] != rows[name]}
            assert changed <= {*touches}, (path, expected, changed)
            if "outbox" not in changed:
                assert not self.world.expected, (path, expected)
                return answer
        self.receive()
        return answer

    def has(self, event: str) -> bool:
        with self.app.app_context(), db.engine.connect() as connection:
            counted = "SELECT 1 FROM audit_events WHERE event = :event AND counted_under IS NOT NULL"
            return connection.execute(text(counted), {"event": event}).first() is not None

    def receive(self) -> None:
        """Deliver the mails, assert that they are the expected ones, and store their tokens in the model."""
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
        """Run `flask auth prune`; return the number of events it wrote."""
        count, _ = self.log()
        with self.app.app_context():
            pruning.prune(self.app.extensions["auth_services"], OPERATOR)
        self.receive()
        return self.log()[0] - count

    def begin_reset(self, name: str) -> None:
        """Run `flask auth reset-factors`."""
        with self.app.app_context():
            operators.reset_factors(self.app.extensions["auth_services"], name, OPERATOR)
        self.receive()

    # Whether the database and the model agree

    def check_rows(self) -> None:
        with self.app.app_context(), db.engine.connect() as connection:
            users = connection.execute(db.metadata.tables["users"].select().order_by(text("id"))).all()
            found = {name: connection.execute(db.metadata.tables[name].select()).all() for name in CHECKED}
        owners = self.world.living()
        facts = [
            (u.username, u.email, bool(u.email_verified_at), bool(u.password_blocked_at), u.deletion_due_at)
            for u in users
        ]
        assert facts == [(o.name, o.address, o.verified, o.blocked, o.leaving) for o in owners]
        for user, owner in zip(users, owners, strict=True):
            self.check_password(user.password_hash, owner.password)
            mine = {name: [row for row in rows if row.user_id == user.id] for name, rows in found.items()}
            self.check_account(mine, owner)
            self.check_factors(user, mine, owner)
        assert all(row.user_id for row in found["challenges"])

    def check_password(self, hashed: str | None, password: str | None) -> None:
        """Check each pair once, since hashing is slow."""
        if hashed is None or password is None:
            assert hashed == password
        elif (hashed, password) not in self.hashes:
            assert self.app.extensions["auth_services"].hasher.check(hashed, password)
            self.hashes.add((hashed, password))

    def check_account(self, rows: Mapping[str, Sequence[Any]], owner: Owner) -> None:
        now = self.world.now
        mine = [link for link in self.world.links if link.owner is owner and link.is_alive(now)]
        tokens = [row for row in rows["one_time_tokens"] if row.used_at is None and row.expires_at > now]
        assert sorted((row.purpose, row.email) for row in tokens) == sorted(
            (link.purpose, link.address) for link in mine
        )
        kept = [s for s in self.world.sessions if s.owner is owner and not s.ended and not s.pruned]
        assert sorted(
            (row.auth_time, str(row.factor_at)) for row in rows["sessions"] if not row.ended_at
        ) == sorted((s.signed_in, str(s.proven)) for s in kept)

    def check_factors(self, user: Any, rows: Mapping[str, Sequence[Any]], owner: Owner) -> None:
        mine = owner.factors
        assert (user.two_factor_at, user.factors_reset_due_at) == (mine.on, mine.reset_due), owner.name
        assert user.recovery_codes_left == len(mine.codes), owner.name
        assert len([row for row in rows["recovery_codes"] if not row.used_at]) == len(mine.codes)
        assert (user.factor_tries, user.factor_tries_end_at) == (mine.tries, mine.tries_end)
        apps = [(row.created_at, bool(row.confirmed_at), row.last_step) for row in rows["totp_factors"]]
        assert apps == ([(mine.app.begun, mine.app.on, mine.app.last_step)] if mine.app else [])
        keys = sorted((row.credential_id, row.sign_count) for row in rows["passkeys"])
        assert keys == sorted((key.soft.credential_id, key.counted) for key in mine.keys)
        devices = rows["known_devices"]
        assert len(devices) == len(owner.devices)
        trusted = sorted(row.trusted_until for row in devices if row.trusted_until)
        assert trusted == sorted(mine.trusted.values())
        assert self.living(rows["challenges"]) == self.waiting(mine.challenges)

    def living(self, rows: Sequence[Any]) -> list[tuple[str, datetime, bool]]:
        alive = [row for row in rows if row.used_at is None and row.expires_at > self.world.now]
        return sorted((row.purpose, row.created_at, row.remembered) for row in alive)

    def waiting(self, challenges: Sequence[Challenge]) -> list[tuple[str, datetime, bool]]:
        alive = [one for one in challenges if one.is_alive(self.world.now)]
        return sorted((one.purpose, one.created, one.remembered) for one in alive)

    def check_tokens(self, *, again: bool = False) -> None:
        """Assert that each access token ever issued is accepted exactly while it should be.

        A token that was refused once is checked `again` only at the end.
        """
        for session in self.world.sessions:
            for token, expires in session.access:
                if token in self.refused and not again:
                    continue
                answer = self.client.get("/auth/me", headers=bearer(token))
                if session.admits(expires, self.world.now):
                    assert answer.get_json()["user"]["username"] == session.owner.name
                    assert answer.get_json()["recovery_codes_left"] == len(session.owner.factors.codes)
                else:
                    assert answer.status_code == 401, (session, expires)
                    self.refused.add(token)

    def check_ended(self) -> None:
        """Assert that no refresh token ever issued revives an ended session."""
        for session in self.world.sessions:
            if not session.lives(self.world.now) or session.owner.erased or session.pruned:
                for token in session.refresh:
                    answer = self.client.post("/auth/refresh", json={"refresh_token": token})
                    assert answer.status_code == 401, session

    def check_links(self) -> None:
        """Assert that `reset/check` agrees with the model about every link."""
        for link in filter(lambda one: one.token, self.world.links):
            answer = self.client.post("/auth/password/reset/check", json={"token": link.token}).get_json()
            assert answer.get("code") == self.world.refusal(link, "reset"), link
