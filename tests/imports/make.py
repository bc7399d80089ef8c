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
import hashlib
import hmac
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


def firebase() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    signer, separator = os.urandom(64), b"\x07"
    parameters = {
        "algorithm": "SCRYPT",
        "base64_signer_key": b64(signer),
        "base64_salt_separator": b64(separator),
        "rounds": 8,
        "mem_cost": 14,
    }
    lines = "".join(f"  {name}: {value},\n" for name, value in parameters.items())
    (HERE / "firebase-params.txt").write_text(f"hash_config {{\n{lines}}}\n")
    users = []
    for number, name in enumerate(("ada", "mary", "alan", None)):
        salt = os.urandom(10)
        memory = 64 * 1024 * 1024
        key = hashlib.scrypt(
            PASSWORD.encode(), salt=salt + separator, n=2**14, r=8, p=1, maxmem=memory, dklen=64
        )
        encryptor = Cipher(algorithms.AES(key[:32]), modes.CTR(b"\0" * 16)).encryptor()
        user = {
            "localId": f"uid{number}",
            "emailVerified": name == "ada",
            "passwordHash": b64(encryptor.update(signer) + encryptor.finalize()),
            "salt": b64(salt),
            "createdAt": f"{1_486_324_248_000 + number}",
            "lastSignedInAt": "1486324248000",
            "disabled": name == "mary",
            "providerUserInfo": [],
        }
        if name in {"alan", None}:  # signed in with Google, or by telephone
            del user["passwordHash"], user["salt"]
        users.append(user | ({"email": address(name)} if name else {"phoneNumber": "+15550100"}))
    write_json("firebase.json", {"users": users})


def auth0() -> None:
    lines = [
        {
            "_id": {"$oid": f"5f0c{number:020x}"},
            "email": address(name),
            "email_verified": name == "ada",
            "tenant": "example",
            "connection": "Username-Password-Authentication",
            "passwordHash": bcrypt(PASSWORD.encode()),
            "password_set_date": {"$date": "2020-07-13T10:00:00.000Z"},
            "version": "1.1",
        }
        for number, name in enumerate(("ada", "grace"))
    ]
    (HERE / "auth0.ndjson").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def supabase() -> None:
    write_csv(
        "supabase.csv",
        [
            {
                "id": f"0b8f5a1e-0000-4000-8000-{number:012}",
                "email": address(name),
                "encrypted_password": "" if name == "alan" else bcrypt(PASSWORD.encode(), ident="2a"),
                "email_confirmed_at": "2024-03-05 10:11:12.123456+00" if name == "ada" else "",
                "created_at": "2024-03-05 10:10:10.654321+00",
                "banned_until": "2124-01-01 00:00:00+00" if name == "mary" else "",
            }
            for number, name in enumerate(NAMES)
        ],
    )


def clerk() -> None:
    rows = []
    for number, name in enumerate(("ada", "grace", "alan")):
        has_password = name != "alan"
        rows.append(
            {
                "id": f"user_{number}",
                "first_name": name.title(),
                "last_name": "",
                "username": name if has_password else "",
                "primary_email_address": address(name),
                "primary_phone_number": "",
                "verified_email_addresses": f"{address(name)}|second@example.com" if name == "ada" else "",
                "unverified_email_addresses": "" if name == "ada" else address(name),
                "verified_phone_numbers": "",
                "unverified_phone_numbers": "",
                "totp_secret": "",
                "password_digest": bcrypt(PASSWORD.encode()) if has_password else "",
                "password_hasher": "bcrypt" if has_password else "",
            }
        )
    write_csv("clerk.csv", rows)


def keycloak() -> None:
    from argon2.low_level import Type, hash_secret_raw

    def pbkdf2(digest: str, rounds: int, length: int) -> tuple[dict[str, Any], dict[str, Any]]:
        salt = os.urandom(16)
        value = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), salt, rounds, length)
        how = {"hashIterations": rounds, "algorithm": f"pbkdf2-{digest}", "additionalParameters": {}}
        return {"value": b64(value), "salt": b64(salt), "additionalParameters": {}}, how

    def argon2() -> tuple[dict[str, Any], dict[str, Any]]:
        salt = os.urandom(16)
        value = hash_secret_raw(PASSWORD.encode(), salt, 5, 7168, 1, 32, Type.ID)
        more = {
            "hashLength": ["32"],
            "memory": ["7168"],
            "type": ["id"],
            "version": ["1.3"],
            "parallelism": ["1"],
        }
        how = {"hashIterations": 5, "algorithm": "argon2", "additionalParameters": more}
        return {"value": b64(value), "salt": b64(salt), "additionalParameters": {}}, how

    made = {
        "ada": argon2(),
        "grace": pbkdf2("sha256", 27_500, 64),
        "edsger": pbkdf2("sha512", 30_000, 64),
        "mary": argon2(),
        "alan": None,
    }
    users = []
    for number, (name, credential) in enumerate(made.items()):
        user = {
            "id": f"f6f5a2b0-0000-4000-8000-{number:012}",
            "createdTimestamp": 1_600_000_000_000 + number,
            "username": name,
            "enabled": name != "mary",
            "totp": False,
            "emailVerified": name == "ada",
            "email": address(name),
            "credentials": [],
            "realmRoles": ["default-roles-my-realm"],
        }
        if credential:
            secret, how = (json.dumps(part) for part in credential)
            user["credentials"] = [{"type": "password", "secretData": secret, "credentialData": how}]
        users.append(user)
    write_json("keycloak.json", {"realm": "my-realm", "users": users})


def wordpress() -> None:
    alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    salt = "".join(alphabet[byte % 64] for byte in os.urandom(8))
    digest = hashlib.md5(salt.encode() + PASSWORD.encode()).digest()
    for _ in range(2 ** alphabet.index("B")):
        digest = hashlib.md5(digest + PASSWORD.encode()).digest()
    number, text = int.from_bytes(digest, "little"), ""
    for _ in range(22):
        number, low = divmod(number, 64)
        text += alphabet[low]
    signed = b64(hmac.new(b"wp-sha384", PASSWORD.encode(), hashlib.sha384).digest())
    hashes = {"ada": f"$P$B{salt}{text}", "grace": "$wp" + bcrypt(signed.encode(), ident="2y")}
    write_json(
        "wordpress.json",
        [
            {
                "ID": number,
                "user_login": name,
                "user_email": address(name),
                "user_registered": f"201{number + 3}-07-21 08:15:00",
                "user_pass": hashed,
            }
            for number, (name, hashed) in enumerate(hashes.items(), 1)
        ],
    )


if __name__ == "__main__":
    for write in (django, flask, flask_security, firebase, auth0, supabase, clerk, keycloak, wordpress):
        write()
