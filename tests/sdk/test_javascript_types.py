"""The types of `sdk/js` under `tsc --strict`, by a program that uses every method."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.architecture import ROOT
from tests.support.programs import executable, installed

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

HERE = ROOT / "tests" / "sdk" / "javascript"
OPTIONS = "--strict --noEmit --target es2022 --module nodenext --lib es2022,dom --exactOptionalPropertyTypes"


@pytest.mark.timeout(300)
def test_types_compile_under_strict(tmp_path: Path) -> None:
    """npm fetches the compiler, which needs the registry."""
    folder = installed(tmp_path, HERE)
    shutil.copytree(ROOT / "sdk" / "js", folder / "node_modules" / "auth-service-client")
    shutil.copy(HERE / "uses.ts", folder)
    command = [executable("node"), "node_modules/typescript/bin/tsc", *OPTIONS.split(), "uses.ts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
