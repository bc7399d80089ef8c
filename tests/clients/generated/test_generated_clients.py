"""Clients in TypeScript and Python, generated from the API description, against a running service."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client_packages import python_with
from tests.support.programs import executable, installed
from tests.support.server import Server, serving

pytestmark = pytest.mark.nightly  # `test_api_conformance.py` compares responses and the description

HERE = Path(__file__).parent
TSC = "--strict --target es2022 --module esnext --moduleResolution bundler --lib es2022,dom --outDir ."
STEPS = ["invalid_credentials", "second_factor_required", "second_factor_invalid", "second_factor_required"]


@pytest.fixture
def server(database_uri: str, tmp_path: Path) -> Iterator[Server]:
    with serving(database_uri, tmp_path) as server:
        yield server


@pytest.fixture
def document(server: Server, tmp_path: Path) -> Path:
    """Return the file of the API description, as the service answers it."""
    status, described = server.call("GET", "/openapi.json")
    assert status == 200
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(described))
    return path


def printed(*command: str, folder: Path) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder / "client")}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_typescript_client_logs_in_with_a_second_factor(
    server: Server, document: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "typescript"
    folder.mkdir()
    installed(folder, HERE)
    shutil.copy(HERE / "journey.ts", folder)
    node = executable("node")
    printed(
        *(node, "node_modules/openapi-typescript/bin/cli.js", str(document), "-o", "schema.d.ts"),
        folder=folder,
    )
    printed(node, "node_modules/typescript/bin/tsc", *TSC.split(), "journey.ts", folder=folder)
    said = json.loads(printed(node, "journey.js", server.url, folder=folder))
    assert said == ["201", *STEPS, "ada"]


@pytest.mark.timeout(300)
def test_python_client_logs_in_with_a_second_factor(
    server: Server, document: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    python = python_with("openapi.txt", tmp_path_factory)
    settings = tmp_path / "config.yaml"
    settings.write_text("post_hooks: []\npackage_name_override: auth_client\n")
    made = printed(
        *(str(python.with_name("openapi-python-client")), "generate", "--path", str(document)),
        *("--config", str(settings), "--output-path", "client", "--fail-on-warning"),
        folder=tmp_path,
    )
    assert "Warning" not in made, made
    said = json.loads(printed(str(python), str(HERE / "journey.py"), server.url, folder=tmp_path))
    assert said == ["username_taken", *STEPS, "ada"]
