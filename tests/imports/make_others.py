"""Writes the exports of systems that are not written in Python: see `make.py`."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

from tests.imports.make import HERE, NAMES, PASSWORD, address, b64, bcrypt, write_csv, write_json


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


ALL: tuple[Callable[[], None], ...] = (firebase, auth0, supabase, clerk, keycloak, wordpress)
