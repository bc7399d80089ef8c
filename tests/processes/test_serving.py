"""The service with a real server, real processes and a real database."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.server import DEADLINE, ROOT, environment, free_port, serving, until
from tests.support.service import PASSWORD
from utils.serving.server import STOP_TIMEOUT

pytestmark = pytest.mark.slow

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
LOGIN = {"username": "ada", "password": PASSWORD}


def test_register_login_refresh_and_logout_with_two_workers(database_uri: str, tmp_path: Path) -> None:
    with serving(database_uri, tmp_path, WEB_CONCURRENCY="2") as server:
        assert server.call("POST", "/auth/register", ADA)[0] == 201
        tokens = server.call("POST", "/auth/login", LOGIN)[1]
        assert server.call("GET", "/auth/me", token=tokens["access_token"])[1]["user"]["username"] == "ada"
        for _ in range(2):
            old, (status, tokens) = (
                tokens,
                server.call("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}),
            )
            assert status == 200
            assert tokens["refresh_token"] != old["refresh_token"]
        assert server.call("POST", "/auth/logout", {}, token=tokens["access_token"])[0] == 204
        # Often enough to reach both workers.
        answers = {server.call("GET", "/auth/me", token=tokens["access_token"])[0] for _ in range(20)}
        assert answers == {401}
        assert server.stop(signal.SIGINT) == 0


def test_a_request_in_flight_is_answered_before_the_server_stops(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with serving(_copy(sqlite_template, tmp_path), tmp_path) as server:
        server.call("POST", "/auth/register", ADA)
        answers: list[int] = []
        call = Thread(target=lambda: answers.append(server.call("POST", "/auth/login", LOGIN)[0]))
        (worker,) = server.workers()
        before = _ticks(worker)
        call.start()
        until(lambda: _ticks(worker) > before + 8, "the worker to hash")
        assert server.stop() == 0
        call.join()
        assert answers == [200]


def test_killed_worker_is_replaced_and_its_session_stays(sqlite_template: Path, tmp_path: Path) -> None:
    with serving(_copy(sqlite_template, tmp_path), tmp_path) as server:
        server.call("POST", "/auth/register", ADA)
        tokens = server.call("POST", "/auth/login", LOGIN)[1]
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: _answers(server, tokens["access_token"]), "a new worker to answer")
        assert server.workers() != [worker]


def test_restart_keeps_accounts_tokens_and_revocations(sqlite_template: Path, tmp_path: Path) -> None:
    uri = _copy(sqlite_template, tmp_path)
    keys = {"FLASK_SECRET_KEY": "k" * 9 + "0123456789abcdefghijklmnop", "JWT_SECRET_KEY": "j" * 40}
    keys["JWT_ISSUER"] = keys["JWT_AUDIENCE"] = "http://localhost"  # the port differs from start to start
    with serving(uri, tmp_path, **keys) as server:
        server.call("POST", "/auth/register", ADA)
        token = server.call("POST", "/auth/login", LOGIN)[1]["access_token"]
        ended = server.call("POST", "/auth/login", LOGIN)[1]["access_token"]
        server.call("POST", "/auth/logout", {}, token=ended)
    with serving(uri, tmp_path, **keys) as server:
        assert server.call("GET", "/auth/me", token=token)[0] == 200
        assert server.call("GET", "/auth/me", token=ended)[0] == 401


def test_log_lines_are_json_and_the_banner_lists_urls(sqlite_template: Path, tmp_path: Path) -> None:
    mails = tmp_path / "mail"
    with serving(_copy(sqlite_template, tmp_path), tmp_path, MAIL_URL=f"file:{mails}") as server:
        server.call("GET", "/auth/me?token=canary-in-the-query")
        server.stop()
        banner, _, log = server.log.read_text().partition("Ctrl-C stops it.\n")
        assert f"{server.url}/openapi.json" in banner
        assert f"API page: {server.url}/docs " in banner
        assert f"Screens: {server.url}/\n" in banner
        assert f"Mails are written to {mails}/\n" in banner
        assert f"curl {server.url}/auth/register" in banner
        lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
        assert {line["event"] for line in lines} == {"request"}
        assert "canary" not in log


def test_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=environment(f"sqlite:///{tmp_path}/auth.db", port),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == f"Port {port} on 127.0.0.1 is in use or not permitted. Set another PORT.\n"


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])  # RFC 5737, RFC 2606: unassigned
def test_host_that_is_not_of_this_machine_is_reported(tmp_path: Path, host: str) -> None:
    uri = f"sqlite:///{tmp_path}/auth.db"
    settings = {"FLASK_ENV": "production", "PUBLIC_URL": "https://auth.example.com", "HOST": host}
    settings["TRUSTED_PROXIES"] = "0"
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment(uri, free_port()) | settings,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == f"{host} is not an address of this machine. Set HOST to one."


def test_flask_run_migrates_and_serves_loopback_only(tmp_path: Path) -> None:
    environ = environment(f"sqlite:///{tmp_path}/auth.db", free_port())
    command = [sys.executable, "-m", "flask", "--app", "app", "run"]
    refused = subprocess.run(
        [*command, "--host", "0.0.0.0"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert refused.returncode == 1
    assert "HOST must be a loopback address" in refused.stderr
    assert "Traceback" not in refused.stderr
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", environ["PORT"]], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        until(lambda: _status(int(environ["PORT"]), "/health/ready") == 200, "flask run to be ready")
        assert _status(int(environ["PORT"]), "/auth/me?token=canary") == 401
        assert _status(int(environ["PORT"]), "/canary") == 404
    finally:
        process.kill()
        process.wait()
    text = (tmp_path / "log").read_text()
    assert "Running on http://127.0.0.1" in text
    assert '"route": "/auth/me"' in text
    assert "canary" not in text  # neither by the service nor by Flask's server


def test_request_with_ambiguous_length_gets_one_response(sqlite_template: Path, tmp_path: Path) -> None:
    smuggled = [
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"X-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    ]
    with serving(_copy(sqlite_template, tmp_path), tmp_path) as server:
        for tail in smuggled:
            answer = _raw(server.port, b"POST /auth/logout HTTP/1.1\r\nHost: localhost\r\n" + tail)
            assert answer.count(b"HTTP/1.1 ") == 1, (tail, answer)
        assert server.call("GET", "/health/live")[0] == 200


def _copy(template: Path, folder: Path) -> str:
    path = folder / "auth.db"
    path.write_bytes(template.read_bytes())
    return f"sqlite:///{path}"


def _ticks(pid: int) -> int:
    """Return the CPU time of a process, in hundredths of a second."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(numbers[11]) + int(numbers[12])


def _answers(server: Any, token: str) -> bool:
    try:
        return bool(server.call("GET", "/auth/me", token=token)[0] == 200)
    except OSError:
        return False


def _status(port: int, path: str) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            return int(connection.recv(65536).split(b" ")[1])
    except (OSError, IndexError):
        return 0


def _raw(port: int, request: bytes) -> bytes:
    """Return everything the server sends until it closes, or for two seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(request)
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            pass
    return answer


def test_ctrl_c_stops_every_process_promptly(sqlite_template: Path, tmp_path: Path) -> None:
    took = []
    for _ in range(2):
        with serving(_copy(sqlite_template, tmp_path), tmp_path, WEB_CONCURRENCY="2") as server:
            until(server.all_serve, "both workers to serve")
            # A worker that is only just starting may miss its signal, and is ended after STOP_TIMEOUT:
            # so often that each of them has answered.
            for _ in range(30):
                assert server.call("GET", "/health/live")[0] == 200
            began = time.monotonic()
            os.killpg(server.process.pid, signal.SIGINT)
            assert server.process.wait(DEADLINE) == 0
            took.append(time.monotonic() - began)
    # A worker that receives Ctrl-C stops by itself; waiting for it would usually run into the timeout.
    assert max(took) < STOP_TIMEOUT - 2, took


def test_workers_end_with_a_killed_parent(sqlite_template: Path, tmp_path: Path) -> None:
    with serving(_copy(sqlite_template, tmp_path), tmp_path, WEB_CONCURRENCY="2") as server:
        until(server.all_serve, "both workers to serve")
        workers = server.workers()
        server.process.kill()
        server.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the workers to end")


@pytest.mark.parametrize(
    "uri", ["sqlite:////nonexistent/folder/auth.db", "postgresql://auth:canary@127.0.0.1:1/auth"]
)
@pytest.mark.parametrize(
    "command",
    [
        ["app.py"],
        pytest.param(["-m", "flask", "--app", "app", "db", "upgrade"], marks=pytest.mark.nightly),
    ],
)
def test_unopenable_database_is_reported_in_one_line(uri: str, command: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(uri, free_port()),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("The database of DATABASE_URI cannot be opened")
    assert "Check that" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "canary" not in ended.stdout + ended.stderr
