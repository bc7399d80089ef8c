"""Writes the exports of other systems in this folder, with hashes that their own libraries made.

    python -m venv /tmp/makers
    /tmp/makers/bin/pip install django flask-security argon2-cffi bcrypt cryptography
    /tmp/makers/bin/python -m tests.imports.make

The hashes of Django and Flask-Security are made by these themselves, bcrypt and Argon2 by their libraries;
those of Keycloak, Firebase and WordPress by the description of their formats, since these are no Python.
"""

import base64
import csv
import gzip
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PASSWORD = "correct horse battery"
NAMES = ("ada", "grace", "mary", "alan")
SALT = "an example of SECURITY_PASSWORD_SALT"
OLD_COSTS = {0: 10_000, 250: 12_000, 500: 20_000, 700: 36_000}  # PBKDF2 in Django 1.4, 1.6, 1.8 and 1.11


def passwords_of_django() -> dict[str, str]:
    """Return the passwords of the thousand users, by user name."""
    return {f"user{number:04}": f"old password {number}" for number in range(1000)}


def address(name: str) -> str:
    return f"{name}@example.com"


def write_json(name: str, data: Any) -> None:
    (HERE / name).write_text(f"{json.dumps(data, indent=1)}\n")


def write_csv(name: str, rows: Iterable[dict[str, Any]]) -> None:
    listed = [*rows]
    with (HERE / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, [*listed[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bcrypt(password: bytes, cost: int = 8, ident: str = "2b") -> str:
    import bcrypt as library

    return library.hashpw(password, library.gensalt(cost)).decode().replace("$2b$", f"${ident}$")


def django() -> None:
    """Dump users as `manage.py dumpdata auth.user` does."""
    from django.conf import settings

    settings.configure(
        PASSWORD_HASHERS=[
            f"django.contrib.auth.hashers.{name}PasswordHasher"
            for name in ("PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt")
        ]
    )
    from django.contrib.auth import hashers

    def made(password: str, algorithm: str, iterations: int) -> str:
        hasher = hashers.get_hasher(algorithm)
        if algorithm.startswith("pbkdf2"):
            return str(hasher.encode(password, hasher.salt(), iterations))
        if algorithm.startswith("bcrypt"):
            hasher.rounds = 6
        return str(hasher.encode(password, hasher.salt()))

    def row(number: int, name: str, hashed: str, **more: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "password": hashed,
            "last_login": None,
            "is_superuser": False,
            "username": name,
            "first_name": "",
            "last_name": "",
            "email": address(name),
            "is_staff": False,
            "is_active": True,
            "date_joined": "2013-05-02T09:30:00.250Z",
            "groups": [],
            "user_permissions": [],
        }
        return {"model": "auth.user", "pk": number, "fields": fields | more}

    rows = [
        row(1, "ada", made(PASSWORD, "pbkdf2_sha256", 36_000)),
        row(2, "grace", made(PASSWORD, "argon2", 0)),
        row(3, "mary", made(PASSWORD, "scrypt", 0), is_active=False),
        row(4, "alan", hashers.make_password(None)),
    ]
    write_json("django.json", rows)
    kinds = dict(enumerate(("argon2", "bcrypt_sha256", "bcrypt", "scrypt", "pbkdf2_sha1")))
    thousand = []
    for number, (name, password) in enumerate(passwords_of_django().items()):
        iterations = max(cost for first, cost in OLD_COSTS.items() if first <= number)
        algorithm = kinds.get(number % 50, "pbkdf2_sha256")
        thousand.append(row(number + 1, name, made(password, algorithm, iterations)))
    data = json.dumps(thousand).encode()
    (HERE / "django-1000.json.gz").write_bytes(gzip.compress(data, mtime=0))


def flask() -> None:
    from werkzeug.security import generate_password_hash

    methods = {"ada": "scrypt:32768:8:1", "grace": "pbkdf2:sha256:150000"}
    values = [
        f"({n}, '{name}', '{address(name)}', '{generate_password_hash(PASSWORD, method)}')"
        for n, (name, method) in enumerate(methods.items(), 1)
    ]
    table = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT, email TEXT, password_hash TEXT);"
    rows = ",\n".join(values)
    (HERE / "flask.sql").write_text(f"{table}\nINSERT INTO user VALUES\n{rows};\n")


def flask_security() -> None:
    from flask import Flask
    from flask_security import Security, hash_password
    from flask_security.datastore import UserDatastore

    class User:
        id = email = password = active = fs_uniquifier = None

    class Role:
        name = None

    rows = []
    for number, (name, scheme) in enumerate(
        {"ada": "argon2", "grace": "bcrypt", "mary": "pbkdf2_sha512"}.items(), 1
    ):
        app = Flask(name)
        app.config.update(
            SECRET_KEY="x" * 32,
            SECURITY_PASSWORD_SALT=SALT,
            SECURITY_PASSWORD_HASH=scheme,
            SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={"bcrypt__rounds": 8},
        )
        Security(app, UserDatastore(User, Role))
        with app.app_context():
            hashed = hash_password(PASSWORD)
        rows.append(
            {
                "id": number,
                "email": address(name),
                "username": name,
                "password": hashed,
                "active": "f" if name == "mary" else "t",
                "fs_uniquifier": os.urandom(8).hex(),
                "confirmed_at": "2021-06-01 10:00:00" if name == "ada" else "",
            }
        )
    write_csv("flask-security.csv", rows)
    (HERE / "salt.txt").write_text(f"{SALT}\n")


if __name__ == "__main__":
    from tests.imports import make_others

    for write in (django, flask, flask_security, *make_others.ALL):
        write()
