"""Runbooks of the operator guide: their commands are executed and their results checked."""

import os
import subprocess
import sys
from pathlib import Path

import pyotp

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.docs.test_tour import blocks, section
from tests.support.architecture import ROOT
from tests.support.service import PASSWORD, FixedClock, bearer, signed_in
from utils.clock import SystemClock

OLD = {"FLASK_SECRET_KEY": "o" * 40, "JWT_SECRET_KEY": "j" * 40}


def test_totp_works_after_rotating_the_flask_key(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "auth.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = {"DATABASE_URI": f"sqlite:///{path}"}
    clock = FixedClock(SystemClock().now())
    old = create_app(settings=Settings.load(TestingConfig, OLD | database), clock=clock)
    client = old.test_client()
    access = signed_in(client)["access_token"]
    secret = client.post("/auth/totp", headers=bearer(access)).get_json()["secret"]
    confirmed = client.post(
        "/auth/totp/confirm", json={"code": pyotp.TOTP(secret).at(clock.now())}, headers=bearer(access)
    )
    assert confirmed.status_code == 200

    commands = "\n".join(["set -eo pipefail", *blocks(section("rotate"), "bash")])
    program = f'{commands}\necho; echo "$FLASK_SECRET_KEY ${{FLASK_PREVIOUS_SECRET_KEYS:-none}}"'
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": search, "HOME": str(tmp_path), "FLASK_ENV": "development"} | OLD | database
    done = subprocess.run(
        ["bash"], input=program, cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    key, previous = done.stdout.split("\n")[-2].split()
    assert (key != OLD["FLASK_SECRET_KEY"], previous) == (True, "none")

    clock.advance(60)
    new = create_app(
        settings=Settings.load(TestingConfig, OLD | {"FLASK_SECRET_KEY": key} | database), clock=clock
    )
    client = new.test_client()
    asked = client.post("/auth/login", json={"username": "ada", "password": PASSWORD}).get_json()
    body = {"challenge_token": asked["challenge_token"], "code": pyotp.TOTP(secret).at(clock.now())}
    assert client.post("/auth/login/second-factor", json=body).status_code == 200
    for app in (old, new):
        with app.app_context():
            db.engine.dispose()
