"""A service with roles, and what every guarded site asks of it: for the examples of the guides."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.support.examples import get
from tests.support.roles import define, grant, revoke
from tests.support.server import Server, serving
from tests.support.service import PASSWORD

FORGED = {"X_Auth_User_Id": "99", "X_Auth_Username": "root"}


class Service(NamedTuple):
    """A service that runs, the same database in this process, and the access token of `grün`, account 1."""

    server: Server
    app: Flask
    token: str


@contextmanager
def service_with_roles(sqlite_template: Path, folder: Path) -> Iterator[Service]:
    """Run a service with the roles `reader` and `editor` on a database of its own in this folder."""
    uri = f"sqlite:///{shutil.copy(sqlite_template, folder / 'auth.db')}"
    app = create_app(settings=Settings.load(TestingConfig, {"DATABASE_URI": uri}))
    told = {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "Clientaddress"}
    with serving(uri, folder, **told) as server:
        body = {"username": "grün", "email": "ada@example.com", "password": PASSWORD}
        assert server.call("POST", "/auth/register", body)[0] == 201
        define(app, "reader", "reports:read")
        define(app, "editor", "reports:read", "reports:write")
        yield Service(server, app, server.call("POST", "/auth/login", body)[1]["access_token"])
    with app.app_context():
        db.engine.dispose()


Ask = Callable[..., tuple[int, dict[str, Any]]]


def check_site(service: Service, ask: Ask, down: int) -> None:
    """Check what every example promises; `down` is its status without the service."""
    token = service.token
    assert [ask(path)[0] for path in ("/reports", "/reports/drafts")] == [401, 401]
    assert ask("/reports", token + "x")[0] == 401
    assert ask("/reports", token)[0] == 403
    grant(service.app, "grün", "reader")
    assert ask("/reports", token, **FORGED)[0] == 200
    assert ask("/reports/drafts", token)[0] == 403
    for query in ("?permission=reports:read", "?permission=reports:read&needs=reports:read"):
        assert ask(f"/reports/drafts{query}", token, **FORGED)[0] == 403
        assert ask(f"/reports{query}", **FORGED)[0] == 401
    grant(service.app, "grün", "editor")
    assert ask("/reports/drafts", token)[0] == 200
    for role in ("editor", "reader"):
        revoke(service.app, "grün", role)
    assert [ask(path, token)[0] for path in ("/reports", "/reports/drafts")] == [403, 403]
    grant(service.app, "grün", "reader")
    assert service.server.call("POST", "/auth/logout", {}, token=token)[0] == 204
    assert ask("/reports", token)[0] == 401
    service.server.stop()
    assert ask("/reports", token)[0] == down


def at(url: str) -> Ask:
    return lambda path, token=None, **headers: get(f"{url}{path}", token, **headers)[:2]
