"""`doctor`: files with secrets that every user of the machine can read."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from auth.admin.secret_files import examine
from tests.support.commands import auth

MISSING = Path("/nonexistent/.env")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that every user can enter, which `tmp_path` is not."""
    made = Path(tempfile.mkdtemp(dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def written(path: Path, mode: int) -> str:
    path.write_text("secret")
    path.chmod(mode)
    return str(path)


def test_secret_file_that_every_user_can_read_is_a_warning(folder: Path) -> None:
    environ = {
        "MAIL_URL_FILE": written(folder / "mail url", 0o644),
        "JWT_SECRET_KEY_FILE": written(folder / "jwt", 0o640),
        "BRAND_LOGO_FILE": written(folder / "logo", 0o644),  # no secret, and no setting
        "REDIS_URL_FILE": str(folder / "missing"),
    }
    (found,) = examine(environ, None, MISSING)
    assert (found.state, found.text.partition(" ")[0]) == ("warning", "MAIL_URL_FILE")
    assert found.advice == f"Run: chmod 600 '{folder}/mail url'"


def test_folder_that_others_cannot_enter_protects_its_files(folder: Path) -> None:
    """`deploy/make-secrets.sh` makes such a folder, with files of mode 0444."""
    environ = {"MAIL_URL_FILE": written(folder / "mail_url", 0o444)}
    folder.chmod(0o700)
    assert [each.state for each in examine(environ, None, MISSING)] == ["ok"]


def test_database_that_every_user_can_read_is_a_warning(folder: Path) -> None:
    database = written(folder / "auth.db", 0o644)
    written(folder / "auth.db-wal", 0o644)
    (found,) = examine({}, database, MISSING)
    assert found.advice == f"Run: chmod 600 {database} {database}-wal"
    for name in ("auth.db", "auth.db-wal"):
        written(folder / name, 0o600)
    assert [each.state for each in examine({}, database, MISSING)] == ["ok"]


def test_doctor_examines_the_files_of_its_environment(
    app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_TOKEN_FILE", written(folder / "token", 0o604))
    assert f"METRICS_TOKEN_FILE can be read by every user of this machine. Run: chmod 600 {folder}/token" in (
        auth(app, "doctor").stdout
    )


def test_env_file_with_a_secret_that_every_user_can_read_is_a_warning(folder: Path) -> None:
    dotenv = folder / ".env"
    written(dotenv, 0o644)
    assert [each.state for each in examine({}, None, dotenv)] == ["ok"]  # it names no secret setting
    dotenv.write_text("PORT=8000\nJWT_SECRET_KEY=0123\n")
    (found,) = examine({}, None, dotenv)
    assert found.text == "The file .env can be read by every user of this machine."
    assert found.advice == f"Run: chmod 600 {dotenv}"
    dotenv.chmod(0o600)
    assert [each.state for each in examine({}, None, dotenv)] == ["ok"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
def test_secret_file_of_another_owner_is_a_warning_with_who_can_mend_it(folder: Path) -> None:
    path = written(folder / "mail_url", 0o644)
    os.seteuid(65534)
    try:
        (found,) = examine({"MAIL_URL_FILE": path}, None, MISSING)
    finally:
        os.seteuid(0)
    assert found.state == "warning"
    assert found.advice == f"Its owner is another user, who can run: chmod 600 {path}"
