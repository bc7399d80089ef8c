"""Write the fixture of a release: `python -m tests.releases.make VERSION`, once for each release.

The rows of every table go to `VERSION.json`, with the issued tokens. `test_releases.py` loads the rows into a
database of that revision, upgrades it, and uses the tokens.
"""

import base64
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
from sqlalchemy import create_engine, select, text

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.support.sent_mail import deliver_next
from utils.database.migrations import upgrade
from utils.mail.mailers import MemoryMailer

KEYS = {"FLASK_SECRET_KEY": "f" * 40, "JWT_SECRET_KEY": "j" * 40}
PASSWORD = "correct horse battery"
MADE_AT = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class StoppedClock:
    """A clock that stands at the time at which the fixture was made."""

    def __init__(self, now: datetime = MADE_AT) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


def plain(value: Any) -> Any:
    """Convert a value of a row to JSON."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    return {"uuid": str(value)} if isinstance(value, UUID) else value


def token_of(mailer: MemoryMailer, template: str) -> str:
    mail = [each for each in mailer.sent if each["X-Template"] == template][-1]
    body = mail.get_body(("plain",))
    assert body is not None
    found: str = body.get_content().rpartition("#token=")[2].split()[0]
    return found


def make(uri: str) -> dict[str, Any]:
    """Use the service; return the tokens that are still valid."""
    clock, mailer = StoppedClock(), MemoryMailer()
    app = create_app(
        settings=Settings.load(TestingConfig, {"DATABASE_URI": uri} | KEYS), clock=clock, mailer=mailer
    )
    client, tokens = app.test_client(), {}

    def post(path: str, access: str | None = None, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, (path, answer.get_data(as_text=True))
        return answer.get_json()

    def mailed(template: str) -> str:
        while deliver_next(app):
            pass
        return token_of(mailer, template)

    def log_in(name: str, **more: Any) -> Any:
        return post("/auth/login", username=name, password=PASSWORD, remember=True, **more)

    for name in ("ada", "bob", "eve"):
        post("/auth/register", username=name, email=f"{name}@example.com", password=PASSWORD)
        if name == "eve":
            tokens["verify"] = mailed("verify_email")
        else:
            post("/auth/email/verify", token=mailed("verify_email"), password=PASSWORD)
    ada = log_in("ada")
    tokens |= {"access": ada["access_token"], "refresh": ada["refresh_token"], "device": ada["device_token"]}
    tokens["disown"] = mailed("new_sign_in")
    bob = log_in("bob")
    begun = post("/auth/totp", bob["access_token"])
    tokens["totp_secret"] = begun["secret"]
    code = pyotp.TOTP(begun["secret"]).at(clock.now())
    tokens["recovery_code"] = post("/auth/totp/confirm", bob["access_token"], code=code)["recovery_codes"][0]
    pending = client.post("/auth/login", json={"username": "bob", "password": PASSWORD})
    tokens["challenge"] = pending.get_json()["challenge_token"]
    post("/auth/password/forgot", email="ada@example.com")
    tokens["reset"] = mailed("reset_password")
    return tokens


def main(version: str) -> None:
    folder = Path(tempfile.mkdtemp())
    uri = f"sqlite:///{folder}/release.db"
    engine = create_engine(uri)
    upgrade(engine)
    tokens = make(uri)
    with engine.connect() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        rows = {
            table.name: [
                {name: plain(value) for name, value in row._mapping.items()}
                for row in connection.execute(select(table))
            ]
            for table in db.metadata.sorted_tables
        }
    fixture = {"version": version, "revision": revision, "tokens": tokens, "rows": rows}
    Path(__file__).with_name(f"{version}.json").write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
