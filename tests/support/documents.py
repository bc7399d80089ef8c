"""The documents as the tests read them."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.architecture import ROOT

SKIPPED = {"instance", "build", "__pycache__", "node_modules"}


def project_files() -> list[Path]:
    """Every file that git tracks; without git, all outside hidden folders and caches."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and (ROOT / ".git").exists():
        names = filter(None, listed.stdout.split("\0"))
        return [path for path in map(ROOT.joinpath, names) if path.is_file()]
    found = []
    for path in ROOT.rglob("*"):
        folders = path.relative_to(ROOT).parts[:-1]
        if path.is_file() and not any(f in SKIPPED or (f[0] == "." and f != ".ci") for f in folders):
            found.append(path)
    return found


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def table_rows(text: str, *header: str) -> list[list[str]]:
    """The rows, as cells, of every table whose header begins with these cells."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[: len(header)] == list(header):
            inside = True
        elif inside and set(line) - set("|- "):
            rows.append(cells)
    return rows


def code_in(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def section(name: str) -> str:
    """Return the text between the markers of this name, from a guide or else the README."""
    for document in [*sorted((ROOT / "docs/guides").glob("*.md")), ROOT / "README.md"]:
        found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", document.read_text("utf-8"), re.DOTALL)
        if found:
            return found[1]
    raise AssertionError(f"no guide has a section {name}")


def example(name: str, ports: Mapping[int, int], guide: str = "backend") -> str:
    """Return the text between the markers of this name, with only the ports replaced."""
    text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text("utf-8")
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", text, re.DOTALL)
    assert found, name
    changed = found[1]
    for written, real in ports.items():
        assert str(written) in changed
        changed = re.sub(rf"\b{written}\b", str(real), changed)
    return changed
