"""gunicorn with `--preload`: the application is made once, before the workers are forked."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.server import free_port, serving
from tests.support.service import PASSWORD

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.mark.slow
@pytest.mark.both_databases
def test_workers_of_a_preloaded_application_do_not_share_connections(
    database_uri: str, tmp_path: Path
) -> None:
    """With a shared connection, answers of PostgreSQL would reach the wrong worker."""
    port = free_port()
    command = [
        "-m",
        "gunicorn",
        "app:app",
        "--preload",
        f"--bind=127.0.0.1:{port}",
        "--workers=2",
        "--threads=4",
    ]
    limits = {"RATE_LIMIT_ENABLED": "false"}
    with serving(database_uri, tmp_path, python=command, PORT=str(port), **limits) as server:
        assert server.call("POST", "/auth/register", ADA)[0] == 201
        token = server.call("POST", "/auth/login", ADA)[1]["access_token"]

        def me(_: int) -> int:
            return server.call("GET", "/auth/me", token=token)[0]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(me, range(100))) == {200}
            assert server.call("POST", "/auth/logout", {}, token=token)[0] == 204
            assert set(pool.map(me, range(40))) == {401}
