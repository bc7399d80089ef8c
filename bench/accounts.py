"""The calls that `make scale` measures, made by random accounts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from flask import Flask
from sqlalchemy import Engine, create_engine, select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import create_app
from auth import tokens
from auth.stores import users
from bench.machine import PASSWORD
from bench.population import PARTY, PARTY_SECRET, Size, active_sessions, fill
from config import Settings, TestingConfig
from models import Account, SessionState, db
from oauth import tokens as app_tokens
from oauth.stores import clients, codes, grants
from oauth.token.issuing import Issued, Person, issue
from tables.oauth import Client, OAuthGrant
from utils.services import Services

Call = Callable[[], None]
STIRRING = 20_000  # accounts, whose rows fill more pages than the default `shared_buffers`


class FreeHasher:
    """Accepts every password without hashing: the cost of a hash does not depend on the size."""

    def hash(self, password: str) -> str:
        return f"free${password}"

    def check(self, hashed: str, password: str) -> bool:
        return bool(hashed and password)

    def is_outdated(self, hashed: str) -> bool:
        return not hashed


class Place(NamedTuple):
    """The service on one database."""

    app: Flask
    engine: Engine
    tools: Engine  # on the same database, without the deadlines of the service
    size: Size

    @property
    def services(self) -> Services:
        services: Services = self.app.extensions["auth_services"]
        return services


@contextmanager
def place(uri: str, size: Size) -> Iterator[Place]:
    """Fill this empty, migrated database and yield the service on it."""
    app = create_app(
        settings=Settings.load(TestingConfig, {"DATABASE_URI": uri, "PAGES_ENABLED": "false"}),
        hasher=FreeHasher(),
    )
    with app.app_context():
        engine = db.engine
    tools = create_engine(uri)
    try:
        fill(tools, size)
        with app.app_context():  # the first call for keys makes them, which takes half a second
            services: Services = app.extensions["auth_services"]
            services.signer.published(services)
            services.tx().commit()
        yield Place(app, engine, tools, size)
    finally:
        engine.dispose()
        tools.dispose()


def accounts(where: Place, batch: int) -> Iterator[dict[str, Call]]:
    """Yield the measured calls of one account after another, in batches of random accounts.

    After a batch is selected, many other rows are read, to evict its pages from PostgreSQL's buffers.
    """
    while True:
        with where.tools.connect() as connection:
            rows = active_sessions(connection, where.size.users, batch)
            active_sessions(connection, where.size.users, STIRRING)
        if not rows:
            raise RuntimeError("no account has an active session and a known device")
        for row in rows:
            yield calls(where, row)


def calls(where: Place, row: dict[str, Any]) -> dict[str, Call]:
    """Return the measured calls of this account. Each raises `RuntimeError` on an error response."""
    state = SessionState(**{name: row[name] for name in SessionState._fields})
    with where.app.app_context():
        account = users.by_id(where.services.tx(), state.user_id)
        if account is None:
            raise RuntimeError("the account of an active session does not exist")
        pair = tokens.issue(where.services, state, account, where.services.clock.now())
        device_token = tokens.device_token(where.services, row["device_id"])
        client, issued, code = _of_app(where, state, account)
    login = {"username": row["username"], "password": PASSWORD}
    party = {"client_id": client.id, "client_secret": PARTY_SECRET, "redirect_uri": client.redirect_uris[0]}
    bearer = {"Authorization": f"Bearer {pair.access_token}"}
    return {
        "me": _call(where.app, "/auth/me", bearer),
        "permission": _call(where.app, "/auth/verify?permission=reports:read", bearer),
        "login, known device": _call(where.app, "/auth/login", {"X-Device-Token": device_token}, login),
        "login, new device": _call(where.app, "/auth/login", {}, login),
        "refresh": _call(where.app, "/auth/refresh", {}, {"refresh_token": pair.refresh_token}),
        "sessions": _call(where.app, "/auth/sessions", bearer),
        "activity": _call(where.app, "/auth/me/activity", bearer),
        "apps": _call(where.app, "/auth/apps", bearer),
        "userinfo": _call(where.app, "/oauth/userinfo", {"Authorization": f"Bearer {issued.access_token}"}),
        "code for tokens": _call(
            where.app, "/oauth/token", {}, form=party | {"grant_type": "authorization_code", "code": code}
        ),
        "refresh of an app": _call(
            where.app,
            "/oauth/token",
            {},
            form=party | {"grant_type": "refresh_token", "refresh_token": issued.refresh_token},
        ),
    }


def _of_app(where: Place, state: SessionState, account: Account) -> tuple[Client, Issued, str]:
    """Return the client, the tokens of its grant in this session, and a new code of it."""
    services, now = where.services, where.services.clock.now()
    client = clients.find(services.tx(), PARTY)
    held = select(OAuthGrant.id).where(OAuthGrant.session_id == state.id, OAuthGrant.ended_at.is_(None))
    grant_id = services.tx().scalar(held.limit(1))
    found = grants.found(services.reads, grant_id) if grant_id else None
    if client is None or found is None:
        raise RuntimeError("an active session has no grant")
    grant = found.grant
    code = codes.issue(
        services.tx(),
        client_id=client.id,
        user_id=account.id,
        session_id=state.id,
        redirect_uri=client.redirect_uris[0],
        code_challenge=None,
        oidc_nonce=None,
        scopes=grant.scopes,
        resource=None,
        auth_time=grant.auth_time,
        amr=grant.amr,
        now=now,
        expires_at=now + timedelta(hours=1),
    )
    issued = issue(services, client, grant, Person(account, ()), grant.scopes, now)
    services.tx().flush()
    text = app_tokens.code(services, code)
    services.tx().commit()
    return client, issued, text


def _call(
    app: Flask,
    path: str,
    headers: dict[str, str],
    body: dict[str, str] | None = None,
    *,
    form: dict[str, str] | None = None,
) -> Call:
    method = "GET" if body is None and form is None else "POST"
    sent = [*headers.items()]
    environ = EnvironBuilder(path, method=method, headers=sent, json=body, data=form).get_environ()

    def made() -> None:
        answer, status, _ = run_wsgi_app(app, environ, buffered=True)
        if not status.startswith("20"):
            raise RuntimeError(f"{method} {path}: {status} {b''.join(answer)!r}")

    return made
