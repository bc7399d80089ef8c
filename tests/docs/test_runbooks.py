"""Runbooks of the operator guide: their commands are executed, and what they promise is tried."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pyotp
import pytest
from flask.testing import FlaskClient

from app import create_app
from config import Settings, TestingConfig
from models import db
from tests.docs.test_tour import section
from tests.support.architecture import ROOT
from tests.support.service import PASSWORD, FixedClock, bearer, events, me, refresh, signed_in
from utils.clock import SystemClock

KEYS = ("flask", "jwt")


def runbook(name: str) -> list[str]:
    """Return the commands of each step of a marked section, in order."""
    found = re.findall(r"^ *```bash\n(.*?)^ *```$", section(name), re.DOTALL | re.MULTILINE)
    assert found, name
    return [dedent(block) for block in found]


class Deployment:
    """Apps and an operator's shell that share one database and one folder of secrets."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder, self.secrets = folder, folder / "secrets"
        self.database = {"DATABASE_URI": f"sqlite:///{database}"}
        self.clock = FixedClock(SystemClock().now())  # the commands run by the clock of the machine
        self.run(f"{ROOT}/deploy/make-secrets.sh {self.secrets}")

    def files(self) -> dict[str, str]:
        """Return the settings that name the files of keys; a previous key is set while its file exists."""
        names = [f"{key}_{kind}" for key in KEYS for kind in ("secret_key", "previous_secret_keys")]
        paths = [self.secrets / name for name in names]
        return {f"{path.name.upper()}_FILE": str(path) for path in paths if path.exists()}

    def run(self, commands: str, **variables: str) -> str:
        """Run commands of the guide in a shell that has the settings of the apps; return what they print."""
        commands = commands.replace("/etc/auth", str(self.folder)).replace("/opt/auth", str(ROOT))
        search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": search, "HOME": str(self.folder), "FLASK_ENV": "development"} | self.database
        env |= {"MAIL_URL": f"file:{self.folder}/mail"} | self.files() | variables
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def started(self) -> FlaskClient:
        """Return a client of an app that was started with the present keys."""
        given = {name.removesuffix("_FILE"): Path(path).read_text() for name, path in self.files().items()}
        settings = Settings.load(TestingConfig, given | self.database)
        return create_app(settings=settings, clock=self.clock).test_client()

    def key(self, name: str) -> str:
        return (self.secrets / f"{name}_secret_key").read_text()


class Owner:
    """A user with an authenticator app."""

    def __init__(self, client: FlaskClient, clock: FixedClock) -> None:
        self.clock = clock
        access = signed_in(client)["access_token"]
        self.app = pyotp.TOTP(client.post("/auth/totp", headers=bearer(access)).get_json()["secret"])
        confirmed = client.post("/auth/totp/confirm", json={"code": self.code()}, headers=bearer(access))
        assert confirmed.status_code == 200

    def code(self) -> str:
        """Return a code that was not used before."""
        self.clock.advance(60)
        return self.app.at(self.clock.now())

    def log_in(self, client: FlaskClient) -> dict[str, str]:
        """Log in with password and code; return the tokens."""
        asked = client.post("/auth/login", json={"username": "ada", "password": PASSWORD}).get_json()
        body = {"challenge_token": asked["challenge_token"], "code": self.code()}
        answer = client.post("/auth/login/second-factor", json=body)
        assert answer.status_code == 200, answer.get_json()
        tokens: dict[str, str] = answer.get_json()
        return tokens


@pytest.fixture
def deployment(sqlite_template: Path, tmp_path: Path) -> Deployment:
    path = tmp_path / "auth.db"
    path.write_bytes(sqlite_template.read_bytes())
    return Deployment(tmp_path, path)


def close(*clients: FlaskClient) -> None:
    for client in clients:
        with client.application.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("key", KEYS)
def test_sessions_and_authenticator_apps_survive_the_rotation_of_a_key(
    deployment: Deployment, key: str
) -> None:
    running, before = deployment.started(), deployment.key(key)
    started, owner = [running], Owner(running, deployment.clock)
    token = owner.log_in(running)["refresh_token"]
    for block in runbook("rotate"):
        printed = deployment.run(block, key=key)
        if "doctor" in block:
            promised = re.findall(r"must\s+say `(.+?)`, `doctor` `(.+?)`", section("rotate"))
            assert [text for text in promised[0] if text not in printed] == [], printed
        restarted = deployment.started()
        started.append(restarted)
        for client in (restarted, running, restarted):  # restarted one by one, they serve together
            answer = refresh(client, token)
            assert answer.status_code == 200, block
            token = answer.get_json()["refresh_token"]
            for each in (running, restarted):
                assert me(each, answer.get_json()["access_token"]).status_code == 200, block
        running = restarted
        owner.log_in(running)
    assert deployment.key(key) != before
    assert set(deployment.files()) == {"FLASK_SECRET_KEY_FILE", "JWT_SECRET_KEY_FILE"}
    close(*started)


def test_authenticator_apps_survive_the_replacement_of_leaked_keys_and_sessions_do_not(
    deployment: Deployment,
) -> None:
    old = deployment.started()
    owner, before = Owner(old, deployment.clock), {key: deployment.key(key) for key in KEYS}
    stolen = owner.log_in(old)
    first, *later = runbook("leaked")
    deployment.run(first)
    new = deployment.started()
    assert me(new, stolen["access_token"]).status_code == 401
    assert refresh(new, stolen["refresh_token"]).status_code == 401
    for block in later:
        deployment.run(block)
    owner.log_in(new)
    assert all(deployment.key(key) != before[key] for key in KEYS)
    assert not list(deployment.secrets.glob("*leaked*"))
    assert {"secrets_resealed", "all_sessions_ended"} <= set(events(new.application))
    close(old, new)
