"""Which files the documentation tests read."""

import subprocess
from pathlib import Path

import pytest

from tests.support import documents


def test_only_files_tracked_by_git_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    (tmp_path / "v").mkdir()
    everything = {tmp_path / name for name in ("tracked.md", "notes.md", "v/package.py")}
    for path in everything:
        path.write_text("")
    assert set(documents.project_files()) == everything  # without git
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "tracked.md"], cwd=tmp_path, check=True)
    assert documents.project_files() == [tmp_path / "tracked.md"]
