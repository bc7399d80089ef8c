"""Ten thousand accounts move from a service on SQLite to one on PostgreSQL."""

import secrets
from base64 import b32encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
from flask import Flask
from sqlalchemy import insert

from auth import tokens
from auth.factors import totp_secrets
from auth.stores import users
from models import SessionState, TotpFactor, User, UserSession, db
from tests.conftest import AppFactory, emptied
from tests.support.service import PASSWORD, FixedClock, login, me, refresh, rows
from utils.passwords.hashing import PasswordHasher
from utils.services import Services

ACCOUNTS = 10_000
LOGINS = 300  # of the accounts, evenly spread
SECRET_BYTES = 20


class Population:
    """Accounts with an authenticator app and two sessions each, the second of which has ended."""

    def __init__(self, services: Services, now: datetime) -> None:
        self.services, self.now = services, now
        self.password_hash = PasswordHasher("scrypt:256:8:1").hash(PASSWORD)
        self.secrets = {number: secrets.token_bytes(SECRET_BYTES) for number in range(1, ACCOUNTS + 1)}
        self.living: dict[int, UUID] = {}
        self.ended: dict[int, UUID] = {}

    def insert(self) -> None:
        with db.engine.begin() as connection:
            connection.execute(insert(User), list(self._users()))
            connection.execute(insert(TotpFactor), list(self._factors()))
            connection.execute(insert(UserSession), list(self._sessions()))

    def _users(self) -> Iterator[dict[str, Any]]:
        for number in self.secrets:
            name, now = f"user-{number}", self.now
            yield {
                "id": number,
                "username": name,
                "username_key": name,
                "email": f"{name}@example.com",
                "email_key": f"{name}@example.com",
                "password_hash": self.password_hash,
                "created_at": now,
                "email_verified_at": now,
                "tokens_valid_after": now,
                "two_factor_at": now,
            }

    def _factors(self) -> Iterator[dict[str, Any]]:
        for number, secret in self.secrets.items():
            sealed = totp_secrets.encrypted(self.services, number, secret)
            about = {"user_id": number, "created_at": self.now, "confirmed_at": self.now, "last_step": 0}
            yield about | {"sealed_secret": sealed.text, "key_id": sealed.key_id}

    def _sessions(self) -> Iterator[dict[str, Any]]:
        end = self.now + timedelta(days=1)
        for number in self.secrets:
            for kept, ended_at in ((self.living, None), (self.ended, self.now)):
                kept[number] = uuid4()
                about = {"id": kept[number], "user_id": number, "secret": secrets.token_bytes(32)}
                about |= {"remembered": False, "amr": "pwd,otp", "idle_end": end, "absolute_end": end}
                about |= dict.fromkeys(("auth_time", "created_at", "last_used_at"), self.now)
                yield about | {"ip_address": "198.51.100.1", "user_agent": "", "ended_at": ended_at}


def pair(services: Services, number: int, session_id: UUID, now: datetime) -> tokens.TokenPair:
    """Return the tokens of this session, as the service on SQLite issues them."""
    tx = services.tx()
    session, account = tx.get(UserSession, session_id), users.by_id(tx, number)
    assert session
    assert account
    state = SessionState(*(getattr(session, name) for name in SessionState._fields))
    return tokens.issue(services, state, account, now)


@pytest.mark.nightly
def test_ten_thousand_accounts_move_with_their_sessions_and_factors(
    make_app: AppFactory, postgres_uri: str, clock: FixedClock
) -> None:
    before = make_app()
    services: Services = before.extensions["auth_services"]
    with before.app_context():
        population = Population(services, clock.now())
        population.insert()
        clock.advance(60)
        living = {n: pair(services, n, found, clock.now()) for n, found in population.living.items()}
        ended = {n: pair(services, n, found, clock.now()) for n, found in population.ended.items()}
        services.tx().rollback()
        db.engine.dispose()
    target = emptied(postgres_uri).replace("postgresql+psycopg:", "postgresql:")
    result = before.test_cli_runner().invoke(args=["auth", "copy-database", target])
    assert result.exit_code == 0, result.output

    after = make_app({"DATABASE_URI": target})
    client = after.test_client()
    for number in population.secrets:
        answer = me(client, living[number].access_token)
        assert answer.get_json()["user"]["username"] == f"user-{number}"
        assert me(client, ended[number].access_token).status_code == 401
    check_factors(after, population.secrets)
    for number in range(1, ACCOUNTS, ACCOUNTS // LOGINS):
        assert refresh(client, living[number].refresh_token).status_code == 200
        assert refresh(client, ended[number].refresh_token).status_code == 401
        challenge = login(client, f"user-{number}").get_json()["challenge_token"]
        code = pyotp.TOTP(b32encode(population.secrets[number]).decode()).at(clock.now())
        answered = {"challenge_token": challenge, "code": code}
        assert client.post("/auth/login/second-factor", json=answered).status_code == 200
    assert rows(after, "SELECT count(*) AS n FROM users") == [{"n": ACCOUNTS}]


def check_factors(app: Flask, expected: dict[int, bytes]) -> None:
    """Check that every authenticator secret is decrypted to the one of its account."""
    services: Services = app.extensions["auth_services"]
    with app.app_context():
        factors = services.tx().query(TotpFactor).all()
        assert {each.user_id: totp_secrets.secret_of(services, each) for each in factors} == expected
        services.tx().rollback()
