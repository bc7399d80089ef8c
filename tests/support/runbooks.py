"""Runbooks of the operator guide, and apps and a shell in which their commands are executed."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pyotp
from flask.testing import FlaskClient

from app import create_app
from auth.admin.finding import WARNINGS_ONLY
from config import Settings, TestingConfig
from tests.support.architecture import ROOT
from tests.support.documents import section
from tests.support.service import PASSWORD, FixedClock, bearer, shut_down, signed_in
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
        # `doctor` at the end warns, as this is no production.
        fine = {0, WARNINGS_ONLY} if "auth doctor" in commands.strip().splitlines()[-1] else {0}
        assert done.returncode in fine, done.stdout + done.stderr
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


def close(*clients: FlaskClient) -> None:
    for client in clients:
        shut_down(client.application)
