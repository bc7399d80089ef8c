"""`make sbom` lists exactly the runtime dependencies."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.architecture import ROOT

pytestmark = pytest.mark.nightly


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_sbom_matches_the_pinned_requirements(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    stamps = ["--old-file=.venv/run.stamp", "--old-file=.venv/dev.stamp"]  # nothing is installed here
    command = ["make", *stamps, "sbom", f"BIN={Path(sys.executable).parent}"]
    subprocess.run(command, cwd=tmp_path, check=True)
    listed = json.loads((tmp_path / "build" / "sbom.cdx.json").read_text("utf-8"))
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["name"] == "auth-service"
    pinned = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert len(pinned) > 30
    assert sorted((part["name"], part["version"]) for part in listed["components"]) == sorted(pinned)


def test_sbom_folder_is_ignored_by_git() -> None:
    assert "/build/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
