"""A full disk under SQLite: a 503, no corruption or loss, and automatic recovery."""

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.support.load import UNDER_LOAD, loading
from tests.support.server import Server, serving, until
from tests.support.service import PASSWORD

LOGIN = {"username": "ada", "password": PASSWORD}
NAMESPACE = ["unshare", "--map-root-user", "--mount"]  # a tmpfs in it needs no other rights
SMALL_DISK = """
mount -t tmpfs -o size=8m none "$1" && cp "$2" "$1/auth.db" && shift 2 && exec "$@"
"""
ROOM = 100_000  # bytes that files may grow by until the disk counts as full


def account(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


def integrity(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


def refuses_writes(server: Server) -> bool:
    """Return whether a login is refused for lack of space; assert that the refusal is the usual 503."""
    status, answer = server.call("POST", "/auth/login", LOGIN)
    assert (status, answer.get("code")) in {(200, None), (503, "unavailable")}
    return status == 503


def check_while_full(server: Server, tokens: list[str], told: str) -> None:
    """Assert that writes are refused, reads succeed, and the log states the cause.

    A call may succeed before: a write-ahead log that was just reset has room up to its old size.
    The last token is not used up by such calls.
    """
    *spent, kept = tokens
    check_refused(server, "/auth/register", [(account(f"eve-{number}"), None) for number in range(50)])
    check_refused(server, "/auth/login", [(LOGIN, None)] * 50)
    check_refused(server, "/auth/logout", [({}, token) for token in spent])
    assert server.call("GET", "/auth/me", token=kept)[0] == 200
    assert server.call("GET", "/health/ready")[0] == 200
    log = server.log.read_text()
    assert f'"error": "OperationalError {told}"' in log
    assert "unexpected error" not in log
    assert "Traceback" not in log


def check_refused(server: Server, path: str, calls: Sequence[tuple[dict[str, str], str | None]]) -> None:
    """Assert that one of these calls is a 503, and those before it succeeded."""
    for body, token in calls:
        status, answer = server.call("POST", path, body, token)
        if status >= 300:
            assert (status, answer["code"]) == (503, "unavailable"), path
            assert set(answer) == {"code", "message", "request_id"}
            return
    raise AssertionError(f"{path} was not refused")


def logged_in(server: Server) -> list[str]:
    """Return the access tokens of several sessions."""
    return [server.call("POST", "/auth/login", LOGIN)[1]["access_token"] for _ in range(6)]


def set_file_limit(server: Server, limit: int) -> None:
    """Limit the size of files that the workers write; beyond it a write fails with EFBIG."""
    for pid in server.workers():
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, most))


def test_file_size_limit_is_a_503_until_it_is_lifted(sqlite_template: Path, tmp_path: Path) -> None:
    database = tmp_path / "auth.db"
    shutil.copy(sqlite_template, database)
    with serving(f"sqlite:///{database}", tmp_path, **UNDER_LOAD) as server:
        server.call("POST", "/auth/register", account("ada"))
        tokens = logged_in(server)
        set_file_limit(server, server.log.stat().st_size + ROOM)  # the log is a file, too
        until(lambda: refuses_writes(server), "the file to be as large as it may be")
        check_while_full(server, tokens, "SQLITE_IOERR_WRITE")
        assert integrity(database) == "ok"
        set_file_limit(server, resource.RLIM_INFINITY)
        assert server.call("POST", "/auth/logout", {}, tokens[-1])[0] == 204
        assert server.call("GET", "/auth/me", token=tokens[-1])[0] == 401
        assert server.call("POST", "/auth/register", account("eve"))[0] == 201
    assert integrity(database) == "ok"


def write_on(file: IO[bytes], size: int) -> None:
    while True:
        file.write(b"x" * size)


@contextmanager
def without_room(folder: Path) -> Iterator[None]:
    """Fill the disk of this folder with a file."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (64 * 1024, 1):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                write_on(file, size)
    yield
    filler.unlink()


@pytest.mark.nightly  # the file that is full, above, is the same refusal to the service
def test_a_full_disk_under_load_is_a_503_and_loses_nothing(sqlite_template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    script = ["sh", "-c", SMALL_DISK, "sh", str(folder), str(sqlite_template)]
    may = subprocess.run([*NAMESPACE, *script, "true"], capture_output=True, text=True, check=False)
    if may.returncode:
        pytest.skip(f"needs the right to mount a tmpfs in a namespace of its own: {may.stderr}")
    uri = f"sqlite:///{folder}/auth.db"
    with serving(uri, tmp_path, within=[*NAMESPACE, *script], WEB_CONCURRENCY="2", **UNDER_LOAD) as server:
        inside = Path(f"/proc/{server.process.pid}/root/{folder}")
        server.call("POST", "/auth/register", account("ada"))
        tokens = logged_in(server)
        with loading(server) as load:
            until(lambda: load.acknowledged() > 50, "calls to be answered")
            with without_room(inside):
                until(lambda: refuses_writes(server), "the disk to be full")
                until(lambda: load.unexpected, "a call of the load to be refused")
                check_while_full(server, tokens, "SQLITE_FULL")
                assert integrity(inside / "auth.db") == "ok"
            until(lambda: not refuses_writes(server), "it to write again")
            done = load.acknowledged()
            until(lambda: load.acknowledged() > done + 50, "calls to be answered again")
        assert load.cut == 0
        assert {(status, code) for _, status, code in load.unexpected} == {(503, "unavailable")}
        assert load.lost(server) == []
        assert integrity(inside / "auth.db") == "ok"
        server.stop()
