"""Backups taken under load: they contain everything acknowledged before they began."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from copy import copy
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.conftest import emptied
from tests.support.haproxy import program
from tests.support.load import UNDER_LOAD, Load, loading
from tests.support.server import ROOT, Server, serving, until
from tests.support.service import PASSWORD

KEYS = {"FLASK_SECRET_KEY": "a key that every process of these tests has", "JWT_SECRET_KEY": "j" * 40}
# The restored service has another port, and accepts the tokens of the first one.
SAME = UNDER_LOAD | KEYS | {"JWT_ISSUER": "http://localhost", "JWT_AUDIENCE": "http://localhost"}


def snapshot(load: Load) -> Load:
    """Return a copy of the record as it is now."""
    kept = copy(load)
    kept.passwords, kept.living, kept.ended = load.passwords.copy(), load.living.copy(), load.ended.copy()
    return kept


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def backed_up(uri: str, folder: Path, *command: str) -> Load:
    """Take a backup with this command under load; return what was acknowledged before it."""
    with serving(uri, folder, WEB_CONCURRENCY="2", **SAME) as server, loading(server) as load:
        until(lambda: load.acknowledged() > 200, "calls to be answered")
        before, done = snapshot(load), load.acknowledged()
        run(*command)
        until(lambda: load.acknowledged() > done + 50, "calls to be answered after it, too")
    assert not load.unexpected
    assert load.cut == 0
    return before


def check_contract(server: Server) -> None:
    """Register, log in, read the profile, refresh and log out."""
    body = {"username": "restored", "email": "restored@example.com", "password": PASSWORD}
    assert server.call("POST", "/auth/register", body)[0] == 201
    assert server.call("POST", "/auth/register", body)[1]["code"] == "username_taken"
    pair = server.call("POST", "/auth/login", body)[1]
    assert server.call("GET", "/auth/me", token=pair["access_token"])[1]["user"]["username"] == "restored"
    status, pair = server.call("POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert status == 200
    assert server.call("POST", "/auth/logout", {}, pair["access_token"])[0] == 204
    assert server.call("GET", "/auth/me", token=pair["access_token"])[0] == 401


def check_restored(uri: str, folder: Path, before: Load) -> None:
    with serving(uri, folder, WEB_CONCURRENCY="2", **SAME) as server:
        assert len(before.passwords) > 10
        assert before.lost(server) == []
        check_contract(server)


@pytest.mark.slow
def test_sqlite_backup_under_load_restores_a_working_service(sqlite_template: Path, tmp_path: Path) -> None:
    database, backup = tmp_path / "auth.db", tmp_path / "copy.db"
    shutil.copy(sqlite_template, database)
    documented = re.search(
        r'`sqlite3 auth\.db "(.+?)"`', (ROOT / "docs/guides/operator.md").read_text("utf-8")
    )
    assert documented
    command = [program("sqlite3"), str(database), documented[1].replace("copy.db", str(backup))]
    before = backed_up(f"sqlite:///{database}", tmp_path, *command)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check_restored(f"sqlite:///{backup}", tmp_path, before)


@pytest.mark.nightly
def test_postgres_backup_under_load_restores_a_working_service(
    postgres_server: str, postgres_uri: str, tmp_path: Path
) -> None:
    from tests.support.postgres_server import postgres_program

    def plain(database: str) -> str:
        """Return the database URL for Postgres's own programs."""
        url = make_url(postgres_server).set(drivername="postgresql", database=database)
        return url.render_as_string(hide_password=False)

    dump, name = str(tmp_path / "auth.dump"), f"copy_{uuid4().hex}"
    own = plain(str(make_url(postgres_uri).database))
    command = [postgres_program("pg_dump"), "--format=custom", f"--file={dump}", own]
    before = backed_up(emptied(postgres_uri), tmp_path, *command)
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        restore = [postgres_program("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={plain(name)}"]
        run(*restore, dump)
        restored = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
        check_restored(restored, tmp_path, before)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()
