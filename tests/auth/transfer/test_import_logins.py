"""Imported accounts log in with their old passwords, once by the old hash and then by one of this service."""

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib import hash as witness
from werkzeug.security import generate_password_hash

from tests.conftest import AppFactory
from tests.support.imports import (
    FIREBASE,
    FIREBASE_HASH,
    FIREBASE_PASSWORD,
    HASH,
    account,
    imported,
)
from tests.support.requests import said
from tests.support.service import PASSWORD, CountingHasher, bearer, login, rows
from tests.unit.test_foreign_hashes import ARGON2, FLASK_SECURITY_KEY, of_flask_security, of_wordpress
from utils.crypto.keys import key_id
from utils.passwords.hashing import PasswordHasher

METHOD = "scrypt:256:8:1"
OLD, NEW = "an old master secret of some length", "a new master secret of some length"
HASHES = {
    "werkzeug": generate_password_hash(PASSWORD, "pbkdf2:sha256:1000"),
    "bcrypt": HASH,
    "argon2": ARGON2.hash(PASSWORD),
    "django": witness.django_pbkdf2_sha256.using(rounds=1000).hash(PASSWORD),
    "phpass": witness.phpass.using(rounds=9).hash(PASSWORD),
    "wordpress": of_wordpress(PASSWORD),
}


def stored(app: Flask) -> str:
    return str(rows(app, "SELECT password_hash FROM users")[0]["password_hash"])


def keyed(folder: Path, option: str, text: str) -> list[str]:
    path = folder / "key.txt"
    path.write_text(text)
    return [option, str(path)]


@pytest.mark.parametrize("name", HASHES)
def test_first_login_replaces_the_imported_hash(app: Flask, client: FlaskClient, name: str) -> None:
    imported(app, account(password_hash=HASHES[name]))
    assert said(login(client, password="a wrong one")) == (401, "invalid_credentials")
    assert stored(app) == HASHES[name]
    assert login(client).status_code == 200
    assert stored(app).startswith(f"{METHOD}$")
    assert login(client).status_code == 200
    assert said(login(client, password="a wrong one")) == (401, "invalid_credentials")


@pytest.mark.parametrize("name", HASHES)
def test_stored_hash_is_no_password(app: Flask, client: FlaskClient, name: str) -> None:
    imported(app, account(password_hash=HASHES[name]))
    assert said(login(client, password=HASHES[name])) == (401, "invalid_credentials")


def test_refused_login_of_an_imported_account_computes_one_hash(make_app: AppFactory) -> None:
    hasher = CountingHasher(PasswordHasher(METHOD))
    app = make_app(hasher=hasher)
    imported(app, account())
    assert hasher.calls == 0  # nothing is computed at import
    for name in ("ada", "nobody"):
        assert login(app.test_client(), name, "a wrong one").status_code == 401
    assert hasher.calls == 2
    assert login(app.test_client()).status_code == 200
    assert hasher.calls == 4  # the old hash is checked, and a new one made


def test_disabled_account_and_password_that_changes_meanwhile_are_refused(
    app: Flask, client: FlaskClient
) -> None:
    imported(app, account(disabled=True))
    assert said(login(client)) == (401, "invalid_credentials")
    assert stored(app) == HASH


def test_imported_password_confirms_a_sensitive_change(app: Flask, client: FlaskClient) -> None:
    """A session by another way, such as a passkey, may meet the old hash."""
    imported(app, account())
    access = login(client).get_json()["access_token"]
    from tests.support.service import execute

    execute(app, "UPDATE users SET password_hash = :old", old=HASH)
    body = {"current_password": PASSWORD, "new_password": "another long one"}
    answer = client.post("/auth/password/change", json=body, headers=bearer(access))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert login(client, password="another long one").status_code == 200


def test_long_password_of_bcrypt_opens_and_is_then_whole(app: Flask, client: FlaskClient) -> None:
    long = "x" * 80
    imported(app, account(password_hash=witness.bcrypt.using(rounds=4).hash(long[:72])))
    assert login(client, password="x" * 71).status_code == 401
    assert login(client, password=long).status_code == 200
    assert login(client, password="x" * 79).status_code == 401
    assert login(client, password=long).status_code == 200


@pytest.mark.provokes_errors
@pytest.mark.parametrize(
    "hashed", [f"$argon2id$v=19$m=4194304,t=2,p=1${'A' * 22}${'A' * 43}", f"$2b$31${'.' * 53}"]
)
def test_stored_hash_beyond_its_bounds_is_refused_at_login(
    app: Flask, client: FlaskClient, hashed: str
) -> None:
    from tests.support.service import execute

    imported(app, account())
    execute(app, "UPDATE users SET password_hash = :hashed", hashed=hashed)
    assert said(login(client)) == (401, "invalid_credentials")


@pytest.mark.both_databases
def test_firebase_key_is_stored_once_and_encrypted(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    options = keyed(tmp_path, "--firebase-params", FIREBASE)
    for name in ("ada", "grace"):
        imported(app, account(name, password_hash=FIREBASE_HASH), options=options)
    (key,) = rows(app, "SELECT * FROM foreign_hash_keys")
    signer = bytes.fromhex("8f1b29afc2a2d1163271553cf32930")  # the beginning of the signer key
    assert signer not in bytes(key["sealed_secret"])
    assert all(f"${key['id']}$" in row["password_hash"] for row in rows(app, "SELECT * FROM users"))
    assert said(login(client, password="a wrong one")) == (401, "invalid_credentials")
    assert login(client, password=FIREBASE_PASSWORD).status_code == 200
    assert stored(app).startswith("$firescrypt$") or stored(app).startswith(METHOD)


def test_firebase_hash_in_web_safe_base64_is_read(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    hashed = FIREBASE_HASH.translate(str.maketrans("+/", "-_"))
    imported(app, account(password_hash=hashed), options=keyed(tmp_path, "--firebase-params", FIREBASE))
    assert login(client, password=FIREBASE_PASSWORD).status_code == 200


def test_flask_security_password_opens(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    hashed = ARGON2.hash(of_flask_security(PASSWORD))
    options = keyed(tmp_path, "--flask-security-salt", FLASK_SECURITY_KEY.salt.decode())
    imported(app, account(password_hash=hashed), options=options)
    assert stored(app).endswith(hashed)
    assert login(client, password=hashed).status_code == 401
    assert login(client).status_code == 200


def auth(app: Flask, command: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["auth", command])
    return result.exit_code, result.output


def firebase_app(make_app: AppFactory, folder: Path) -> dict[str, Any]:
    app = make_app({"FLASK_SECRET_KEY": OLD})
    imported(app, account(password_hash=FIREBASE_HASH), options=keyed(folder, "--firebase-params", FIREBASE))
    return {"FLASK_SECRET_KEY": NEW, "FLASK_PREVIOUS_SECRET_KEYS": OLD}


@pytest.mark.both_databases
def test_reseal_covers_the_keys_of_imported_hashes(make_app: AppFactory, tmp_path: Path) -> None:
    app = make_app(firebase_app(make_app, tmp_path))
    assert "1 keys of imported password hashes are encrypted under a previous key" in auth(app, "doctor")[1]
    assert auth(app, "reseal") == (0, "1 re-encrypted, 0 cannot be decrypted with any of the keys.\n")
    assert auth(app, "reseal") == (0, "0 re-encrypted, 0 cannot be decrypted with any of the keys.\n")
    assert rows(app, "SELECT key_id FROM foreign_hash_keys") == [{"key_id": key_id(NEW)}]
    later = make_app({"FLASK_SECRET_KEY": NEW})
    assert "previous key" not in auth(later, "doctor")[1]
    assert login(later.test_client(), password=FIREBASE_PASSWORD).status_code == 200


@pytest.mark.provokes_errors
def test_missing_key_of_imported_hashes_is_reported_and_refused(
    make_app: AppFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    firebase_app(make_app, tmp_path)
    app = make_app({"FLASK_SECRET_KEY": NEW})
    assert said(login(app.test_client(), password=FIREBASE_PASSWORD)) == (401, "invalid_credentials")
    message = "the key of imported password hashes is gone: see FLASK_PREVIOUS_SECRET_KEYS"
    warned = [record.levelno for record in caplog.records if record.getMessage() == message]
    assert warned == [logging.WARNING]
    code, words = auth(app, "doctor")
    assert (code, "The encryption key of 1 keys of imported password hashes is missing" in words) == (1, True)
    assert auth(app, "reseal") == (1, "0 re-encrypted, 1 cannot be decrypted with any of the keys.\n")
    told = app.test_cli_runner().invoke(args=["auth", "explain", "ada"]).output
    assert "cannot be read" in told
    assert "Its password hash is of another system (firebase).\n" in told
    again = keyed(tmp_path, "--firebase-params", FIREBASE)
    imported(app, account("grace", password_hash=FIREBASE_HASH), options=again)  # under a new id
    assert login(app.test_client(), "grace", FIREBASE_PASSWORD).status_code == 200


@pytest.mark.both_databases
def test_doctor_counts_imported_hashes_by_kind(app: Flask, client: FlaskClient) -> None:
    assert "No hash of another system is left." in auth(app, "doctor")[1]
    imported(app, *(account(name, password_hash=hashed) for name, hashed in HASHES.items()), account("ada"))
    said = "Not used since their import: 1 argon2, 2 bcrypt, 1 pbkdf2, 1 phpass, 1 wordpress."
    assert said in auth(app, "doctor")[1]
    assert login(client, "argon2").status_code == 200
    assert "import: 2 bcrypt, 1 pbkdf2, 1 phpass, 1 wordpress." in auth(app, "doctor")[1]


def test_explain_names_the_kind_of_an_imported_hash(app: Flask, client: FlaskClient) -> None:
    imported(app, account())
    explain = ["auth", "explain", "ada"]
    told = app.test_cli_runner().invoke(args=explain).output
    assert "The right password opens this account." in told
    assert "Its password hash is of another system (bcrypt). The next login replaces it." in told
    login(client)
    assert "another system" not in app.test_cli_runner().invoke(args=explain).output
