"""The OpenID Connect provider beside the service's own refresh and `hello`, in turns within each round.

An app in this process, with the database and the keys of the served one, registers a client and issues the
codes that are redeemed under load.
"""

import json
import secrets
import statistics
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from flask import Flask

from app import create_app
from auth.roles.actors import Operator
from bench.aims import Aim, at_least, print_line
from bench.load import ClientCalls, load, post
from bench.machine import PASSWORD, Noise, cpu_seconds
from bench.servers import Service, register, running
from config import Settings, TestingConfig
from models import User, UserSession, db
from oauth import tokens
from oauth.clients import registration
from oauth.clients.definition import Definition
from tables.oauth import OAuthCode
from utils.client_info import ClientInfo
from utils.services import services

CONNECTIONS = 16
SESSIONS = 48  # of one account, as in `bench/rates.py`
ACCOUNTS = 1024  # that log in to the client: none has so many grants that its oldest ones end
MORE_CODES = 1.6  # than its own refreshes of the same time: a code is used up by its first call
REDIRECT = "https://app.example.com/callback"
SCOPES = ["openid", "profile", "email"]
WITHOUT_OPENID = "profile email"  # asked for at a refresh: the answer has no ID token
ALGORITHMS = ("RS256", "ES256")  # of ID tokens; the first one is the default
CALLS = (
    *("hello", "metadata", "refresh", "code, RS256", "code, ES256"),
    *("client refresh, no ID token", "client refresh, RS256", "client refresh, ES256"),
)
AIMS: dict[tuple[str, str], dict[str, Aim]] = {
    ("code, RS256", "refresh"): {"postgres": at_least(0.5)},
    ("code, ES256", "refresh"): {},
    ("client refresh, no ID token", "refresh"): {"postgres": at_least(0.8)},
    ("client refresh, RS256", "refresh"): {},
    ("client refresh, ES256", "refresh"): {},
    ("metadata", "hello"): {"sqlite": at_least(0.9), "postgres": at_least(0.9)},
}


class Party(NamedTuple):
    """A registered client, and the app that issues codes for it."""

    app: Flask
    service: Service
    client_id: str
    secret: str

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.secret, "redirect_uri": REDIRECT}

    def refresh_tokens(self) -> list[str]:
        return [self.redeemed(code)["refresh_token"] for code in self.codes(SESSIONS)]

    def people(self) -> None:
        """Add `ACCOUNTS` accounts with a session each, as copies of the account `ada` and of its session."""
        with self.app.app_context():
            ada = db.session.query(User).filter_by(username="ada").one()
            session = db.session.query(UserSession).filter_by(user_id=ada.id).first()
            for number in range(ACCOUNTS):
                email = f"person{number}@example.com"
                names = {"username": f"person{number}", "username_key": f"person{number}"}
                person = _copy(ada, id=None, email=email, email_key=email, **names)
                db.session.add(person)
                db.session.flush()
                db.session.add(_copy(session, id=uuid4(), user_id=person.id))
            db.session.commit()

    def codes(self, count: int) -> list[str]:
        """Return new codes of these accounts, in turns. They live for an hour."""
        with self.app.app_context():
            now = services().clock.now()
            newest = db.session.query(UserSession).order_by(UserSession.user_id.desc()).limit(ACCOUNTS)
            sessions = newest.all()
            made = [
                OAuthCode(
                    client_id=self.client_id,
                    user_id=sessions[number % ACCOUNTS].user_id,
                    session_id=sessions[number % ACCOUNTS].id,
                    nonce=secrets.token_bytes(32),
                    redirect_uri=REDIRECT,
                    scopes=SCOPES,
                    auth_time=now,
                    amr="pwd",
                    created_at=now,
                    expires_at=now + timedelta(hours=1),
                )
                for number in range(count)
            ]
            db.session.add_all(made)
            db.session.flush()
            found = [tokens.code(services(), row) for row in made]
            db.session.commit()
        return found

    def redeemed(self, code: str) -> dict[str, Any]:
        form = self.credentials | {"grant_type": "authorization_code", "code": code}
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.service.url}/oauth/token", data) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def parties(uri: str, **more: str) -> Iterator[dict[str, Party]]:
    """Run the service, and register a client for each algorithm of ID tokens. `more` are settings.

    They send no PKCE: their calls are compared with a refresh.
    """
    keys: Any = {name: secrets.token_urlsafe(48) for name in ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")}
    with running("granian", uri, **{"RATE_LIMIT_ENABLED": "false"} | keys | more) as service:
        register(service)
        app = create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": uri} | keys))
        with app.app_context():
            made = {alg: _registered(app, service, alg) for alg in ALGORITHMS}
        try:
            yield made
        finally:
            with app.app_context():
                db.engine.dispose()


def _registered(app: Flask, service: Service, alg: str) -> Party:
    definition = Definition(
        name=f"Bench {secrets.token_hex(4)}",
        redirect_uris=[REDIRECT],
        scopes=SCOPES,
        pkce="optional",
        id_token_alg=alg,
    )
    operator = Operator("bench", ClientInfo(None, "command line", "0" * 16))
    made = registration.add(services(), operator, definition)
    return Party(app, service, made.client_id, made.secret or "")


def report_provider(database: str, uri: str, rounds: int, seconds: float, folder: Path) -> None:
    """Print calls a second and processor time of each call, and the ratios with their targets."""
    noise = Noise()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CALLS}
    with parties(uri) as clients:
        client = clients[ALGORITHMS[0]]
        post(f"{client.service.url}/auth/login", {"username": "ada", "password": PASSWORD})
        client.people()
        client.redeemed(client.codes(1)[0])  # makes the signing keys
        for _ in range(rounds):
            _round(clients, seconds, folder, found)
    print(f"\nprovider, granian on {database}, {CONNECTIONS} connections, 2 workers ({noise})")
    for name, measured in found.items():
        rates, spent = zip(*measured, strict=True)
        print(
            f"  {name:28}{statistics.median(rates):9.1f} calls/s"
            f"{1000 * statistics.median(spent):9.2f} ms of CPU per call"
        )
    for (name, base), aims in AIMS.items():
        pairs = zip(found[name], found[base], strict=True)
        ratio = statistics.median(one[0] / other[0] for one, other in pairs)
        print_line(f"{name} / {base}", ratio, aims.get(database))


def _copy(row: Any, **changes: Any) -> Any:
    """Return a new row of the same table with these columns changed."""
    return type(row)(**{column.key: getattr(row, column.key) for column in row.__table__.c} | changes)


def _round(
    clients: dict[str, Party], seconds: float, folder: Path, found: dict[str, list[tuple[float, float]]]
) -> None:
    service = clients[ALGORITHMS[0]].service
    login = {"username": "ada", "password": PASSWORD}
    own = [post(f"{service.url}/auth/login", login)["refresh_token"] for _ in range(SESSIONS)]

    def measure(name: str, path: str, **how: Any) -> float:
        before = cpu_seconds(service.pid)
        made = load(f"{service.url}{path}", seconds, folder, connections=CONNECTIONS, **how)
        found[name].append((made.good, (cpu_seconds(service.pid) - before) / made.answers))
        return made.good

    def redeem(alg: str, count: int) -> None:
        form = clients[alg].credentials | {"grant_type": "authorization_code"}
        calls = ClientCalls(form, "code", clients[alg].codes(count))
        measure(f"code, {alg}", "/oauth/token", client_calls=calls)

    def refresh(alg: str, name: str, **more: str) -> None:
        form = clients[alg].credentials | {"grant_type": "refresh_token"} | more
        calls = ClientCalls(form, "refresh_token", clients[alg].refresh_tokens())
        measure(f"client refresh, {name}", "/oauth/token", client_calls=calls)

    measure("hello", "/health/live")
    measure("metadata", "/.well-known/openid-configuration")
    rate = measure("refresh", "/auth/refresh", refresh_tokens=own)
    for alg in ALGORITHMS:
        redeem(alg, int(MORE_CODES * rate * seconds) + 2 * CONNECTIONS)
    refresh(ALGORITHMS[0], "no ID token", scope=WITHOUT_OPENID)
    for alg in ALGORITHMS:
        refresh(alg, alg)
