"""The Postman collection: made from the API description, up to date, and run against the real server."""

import json
import os
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from ops.api_page.postman import TOUR, VARIABLES, collection, text_of
from tests.server import ROOT, serving
from utils.services import services

FILE = ROOT / "docs" / "postman_collection.json"
NEWMAN = os.environ.get("NEWMAN") or shutil.which("newman")


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app("testing")


def description(app: Flask) -> dict[str, Any]:
    with app.app_context():
        return services().describe()


def test_the_collection_is_up_to_date(app: Flask) -> None:
    assert FILE.read_text("utf-8") == text_of(description(app)), "run `make postman`"


def test_the_command_writes_the_collection(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "collection.json"
    assert app.test_cli_runner().invoke(args=["docs", "postman", str(file)]).exit_code == 0
    assert file.read_text("utf-8") == text_of(description(app))


def test_a_change_of_the_api_changes_the_collection(app: Flask) -> None:
    changed = deepcopy(description(app))
    changed["paths"]["/auth/new"] = {"get": changed["paths"]["/auth/me"]["get"]}
    assert text_of(changed) != text_of(description(app))


def test_every_call_and_every_variable_is_there(app: Flask) -> None:
    made = collection(description(app))
    tour, every = made["item"]
    described = [f"{m.upper()} {path}" for path, ops in description(app)["paths"].items() for m in ops]
    assert [item["name"] for item in every["item"]] == described
    assert [item["name"] for item in tour["item"]] == [step.name for step in TOUR]
    assert {entry["key"] for entry in made["variable"]} == set(VARIABLES)
    used = {part.partition("}}")[0] for part in json.dumps(made).split("{{")[1:]}
    assert used == set(VARIABLES)


def newman(file: Path, folder: Path, port: int) -> dict[str, Any]:
    """Run a collection against the server on this port; newman's own report."""
    assert NEWMAN, "needs newman: npm install newman, in PATH or named by NEWMAN"
    report = folder / "report.json"
    command = [NEWMAN, "run", str(file), "--env-var", f"base_url=http://localhost:{port}"]
    command += ["--reporters", "cli,json", "--reporter-json-export", str(report)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    run: dict[str, Any] = json.loads(report.read_text())["run"]
    assert (done.returncode == 0) == (not run["failures"]), done.stdout + done.stderr
    run["said"] = done.stdout
    return run


@pytest.mark.slow
def test_newman_runs_the_whole_collection(database_uri: str, tmp_path: Path) -> None:
    with serving(database_uri, tmp_path) as server:
        run = newman(FILE, tmp_path, server.port)
    assert run["failures"] == [], run["said"]
    assert run["stats"]["requests"]["total"] == len(TOUR) + len(
        json.loads(FILE.read_text())["item"][1]["item"]
    )
    assert run["stats"]["assertions"]["total"] > 2 * len(TOUR)


@pytest.mark.slow
def test_newman_notices_a_wrong_answer(app: Flask, sqlite_template: Path, tmp_path: Path) -> None:
    wrong = description(app)
    me = wrong["paths"]["/auth/me"]["get"]["responses"]
    me["200"]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Sessions"}
    (tmp_path / "wrong.json").write_text(text_of(wrong))
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    with serving(f"sqlite:///{tmp_path}/auth.db", tmp_path) as server:
        run = newman(tmp_path / "wrong.json", tmp_path, server.port)
    assert [failure["source"]["name"] for failure in run["failures"]] == ["Who am I?"]
