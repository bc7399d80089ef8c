"""`sdk/js`: its rules without a network, its size, its types, and the package that npm makes of it."""

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import assets
from tests.support.architecture import ROOT
from tests.support.documents import example
from tests.support.programs import executable
from tests.support.project import project_files

CLIENT = ROOT / "sdk" / "js"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    words = [executable(str(command[0])), *map(str, command[1:])]
    done = subprocess.run(
        words, cwd=cwd, env=kept | more, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_client_keeps_its_rules_without_a_network() -> None:
    told = run("node", "--test", "--test-reporter=tap", ROOT / "tests/sdk/javascript", cwd=ROOT)
    assert int(re.findall(r"^# pass (\d+)", told, re.MULTILINE)[0]) > 20
    assert "# fail 0" in told


def test_client_is_below_six_kilobytes_and_imports_nothing() -> None:
    source = (CLIENT / "index.js").read_bytes()
    assert len(gzip.compress(source, 9, mtime=0)) < 6000
    assert not re.search(rb"^\s*import\b|\bimport\(|\brequire\(", source, re.MULTILINE)
    package = json.loads((CLIENT / "package.json").read_text("utf-8"))
    assert not package.keys() & {"dependencies", "peerDependencies", "scripts", "devDependencies"}
    assert package["private"] is True  # the name on npm is free for others
    assert f'version = "{package["version"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_pages_serve_the_file_of_the_package(client: FlaskClient) -> None:
    source = (CLIENT / "index.js").read_bytes()
    assert client.get(assets.asset("lib/auth.js")).data == source
    copies = [
        path for path in project_files() if path.suffix in {".js", ".mjs"} and path.read_bytes() == source
    ]
    assert copies == [CLIENT / "index.js"]


def test_screens_call_the_api_by_the_client_only() -> None:
    scripts = {name: text.decode() for name, text in assets.files().items() if name.endswith(".js")}
    calling = {name for name, text in scripts.items() if re.search(r"\bfetch\(", text)}
    # The latter two send the choices of contrast, scheme and language.
    assert calling == {"lib/auth.js", "lib/client.js", "lib/page.js"}
    created = {name for name, text in scripts.items() if re.search(r"\bcreateClient\(", text)}
    assert created == {"lib/auth.js", "lib/client.js"}


def test_react_hook_of_the_guide_has_thirty_lines_at_most() -> None:
    assert len(example("javascript-react", {}, "javascript").splitlines()) <= 30


TYPES = {
    "User": "UserFields",
    "Me": "Me",
    "Session": "SessionWithApps",
    "LoggedIn": "LoggedIn",
}
SECRETS = {"access_token", "refresh_token", "device_token"}


@pytest.mark.parametrize(("name", "schema"), TYPES.items())
def test_types_are_those_of_the_api(app: Flask, name: str, schema: str) -> None:
    described = app.test_client().get("/openapi.json").get_json()["components"]["schemas"]
    wanted = {
        member + ("" if member in described[schema]["required"] else "?"): written(value)
        for member, value in described[schema]["properties"].items()
        if member not in SECRETS
    }
    types = (CLIENT / "index.d.ts").read_text("utf-8")
    body = re.search(rf"^export interface {name} \{{\n(.*?)^\}}", types, re.MULTILINE | re.DOTALL)
    assert body
    assert dict(re.findall(r"^  (\w+\??): (.+);$", body[1], re.MULTILINE)) == wanted


def written(value: dict[str, Any]) -> str:
    """Return a schema as TypeScript writes it."""
    if "anyOf" in value:
        return " | ".join(map(written, value["anyOf"]))
    if "$ref" in value:
        reference = value["$ref"].rpartition("/")[2]
        return next(name for name, schema in TYPES.items() if schema == reference)
    if value["type"] == "array":
        return f"{written(value['items'])}[]"
    kind = str(value["type"])
    return {"integer": "number"}.get(kind, kind)


USES = """
import { AuthError, createClient } from "auth-service-client";
const auth = createClient("http://127.0.0.1:1");
const found = await auth.login({ username: "ada", password: "x" }).catch((error) => error);
console.log(found instanceof AuthError, found.code, found.status);
"""


@needs_node
@pytest.mark.slow
def test_npm_packs_it_and_installs_the_package(tmp_path: Path) -> None:
    cache = {"npm_config_cache": str(tmp_path / "cache"), "npm_config_offline": "true"}
    [packed] = json.loads(run("npm", "pack", "--json", CLIENT, cwd=tmp_path, **cache))
    assert {file["path"] for file in packed["files"]} == {
        "index.js",
        "index.d.ts",
        "guard.js",
        "guard.d.ts",
        "tokens.js",
        "tokens.d.ts",
        "shared.js",
        "package.json",
        "README.md",
    }
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    (tmp_path / "main.js").write_text(USES)
    run("npm", "install", "--no-audit", "--no-fund", tmp_path / packed["filename"], cwd=tmp_path, **cache)
    assert run("node", "main.js", cwd=tmp_path) == "true network 0\n"
