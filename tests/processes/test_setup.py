"""The set-up from a clean clone and an empty home directory, with the README's first command."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.server import ROOT, Server, free_port, until

INSTALL_DEADLINE = 300  # seconds


@contextmanager
def make_run(clone: Path, environ: dict[str, str], log: Path) -> Iterator[Server]:
    """Run `make run` in the clone until ready; end it with Ctrl-C."""
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    server = Server(int(environ["PORT"]), process, log)
    deadline = time.monotonic() + INSTALL_DEADLINE
    try:
        while not _is_live(server):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield server
        os.killpg(process.pid, signal.SIGINT)
        # Ctrl-C reaches make as well, and make ends by the signal once its command is done.
        assert process.wait(30) in {0, -signal.SIGINT}, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _is_live(server: Server) -> bool:
    try:
        return server.call("GET", "/health/ready")[0] == 200
    except OSError:
        return False


@pytest.mark.nightly
def test_clean_clone_serves_with_make_run_and_restarts_quickly(tmp_path: Path) -> None:
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    # Only PATH and pip's settings are inherited.
    kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("PIP_")}
    environ = kept | {"HOME": str(home), "PORT": str(free_port())}
    ada = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
    with make_run(clone, environ, tmp_path / "first.log") as server:
        assert server.call("POST", "/auth/register", ada)[0] == 201
        tokens = server.call("POST", "/auth/login", ada)[1]
    secrets = [clone / "instance" / name for name in ("flask_secret_key", "jwt_secret_key")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}

    began = time.monotonic()
    with make_run(clone, environ, tmp_path / "second.log") as server:
        took = time.monotonic() - began
        assert server.call("GET", "/auth/me", token=tokens["access_token"])[0] == 200
        banner = server.log.read_text()
    assert f"Serving on {server.url}" in banner
    assert f"{server.url}/openapi.json" in banner
    assert "Installing" not in banner
    assert "Traceback" not in banner
    assert took < 20, took  # promised are 3 s on an idle machine; see docs/decisions/0003-server.md
    until(lambda: not _is_live(server), "the server to be gone")
