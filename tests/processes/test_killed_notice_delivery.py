"""A process is killed between the commit of a logout and its delivery: the next process delivers it."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest

from tests.conftest import AppFactory
from tests.support.architecture import ROOT
from tests.support.grants import grant_row, session_ids
from tests.support.oauth import client_row
from tests.support.scripted_server import ScriptedServer, scripted
from tests.support.server import DEADLINE, serving, until
from tests.support.service import bearer, signed_in
from utils.clock import SystemClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PREPARED = """
import os, signal, sys
from app import create_app
from config import Settings, TestingConfig
from oauth.notices import delivery
from tests.support.grants import grant_row, session_ids
from tests.support.oauth import client_row
from tests.support.service import FixedClock, bearer, signed_in
from tests.support.signing_keys import CachedKeys
from utils.services import services

database, port, mode = sys.argv[1:]
clock = FixedClock()
settings = Settings.load(TestingConfig, {"DATABASE_URI": database})
app = create_app(settings=settings, clock=clock, make_signing_key=CachedKeys())
if mode == "deliver":
    clock.advance(31)  # the lease of the killed process has ended
    with app.app_context():
        while delivery.deliver_next(services()):
            pass
    sys.exit()
client = app.test_client()
client_row(app, "app", backchannel_uri=f"http://localhost:{port}/logout")
pair = signed_in(client)
grant_row(app, session_ids(app)[0])
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
client.post("/auth/logout", headers=bearer(pair["access_token"]))
print("committed", flush=True)
if mode == "before the call":
    die()
real = delivery.notices.delivered
delivery.notices.delivered = lambda *_: die()  # the client has been told, which is not recorded
with app.app_context():
    delivery.deliver_next(services())
"""


def run(uri: str, port: int, mode: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PREPARED, uri, str(port), mode],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.slow  # it starts two processes
@pytest.mark.parametrize(("mode", "times"), [("before the call", 1), ("after the call", 2)])
def test_logout_is_delivered_by_the_next_process_after_a_kill(
    mode: str, times: int, sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "auth.db"
    path.write_bytes(sqlite_template.read_bytes())
    server = ScriptedServer(lambda _: OK)
    killed = run(f"sqlite:///{path}", server.port, mode)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == "committed\n"
    assert len(server.requests) == times - 1
    ended = run(f"sqlite:///{path}", server.port, "deliver")
    assert ended.returncode == 0, ended.stderr
    assert len(server.requests) == times
    told = [parse_qs(each.partition(b"\r\n\r\n")[2].decode())["logout_token"][0] for each in server.requests]
    claims = [jwt.decode(each, options={"verify_signature": False}) for each in told]
    assert len({each["jti"] for each in claims}) == 1  # a client that keeps them is told once
    server.close()


@pytest.mark.slow
def test_serving_process_delivers_what_was_written_before_it_started(
    make_app: AppFactory, database_uri: str, tmp_path: Path
) -> None:
    keys = {"FLASK_SECRET_KEY": "k" * 48, "JWT_SECRET_KEY": "j" * 48}
    app = make_app(keys, clock=SystemClock())
    with scripted(OK) as client:
        client_row(app, "app", backchannel_uri=f"{client.url}/logout")
        pair = signed_in(app.test_client())
        grant_row(app, session_ids(app)[0])
        app.test_client().post("/auth/logout", headers=bearer(pair["access_token"]))
        assert client.requests == []
        with serving(database_uri, tmp_path, WEB_CONCURRENCY="1", **keys):
            until(lambda: client.requests, "the notice to be delivered")
        assert client.requests[0].startswith(b"POST /logout HTTP/1.1\r\n")
        assert len(client.requests) == 1
