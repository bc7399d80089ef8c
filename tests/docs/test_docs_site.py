"""The documentation site builds without a broken link and loads nothing from other hosts."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.architecture import ROOT

LOADING = {"script", "link", "img", "iframe", "source", "object", "embed"}
IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Loaded(HTMLParser):
    """Collects the addresses on other hosts that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LOADING:
            given = [value for name, value in attrs if name in {"src", "href", "srcset", "data"} and value]
            self.foreign += [address for address in given if urlsplit(address).netloc]


def foreign(page: str) -> list[str]:
    """Return the addresses on other hosts that this page, or a style in it, loads."""
    parser = _Loaded()
    parser.feed(page)
    return parser.foreign + IN_STYLES.findall(page)


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_site_builds_strictly_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    pages = {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.html")
    }
    assert {"index.html", "architecture.html", "guides/frontend.html", "decisions/index.html"} <= set(pages)
    assert {name: found for name, page in pages.items() if (found := foreign(page))} == {}
    styles = [path.read_text("utf-8") for path in tmp_path.rglob("*.css")]
    assert styles
    assert [found for style in styles for found in IN_STYLES.findall(style)] == []


@pytest.mark.slow
def test_broken_link_fails_the_build(tmp_path: Path) -> None:
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    broken = ["gone.md", "architecture.md#no-such-heading", "../app.py"]
    (tmp_path / "docs/index.md").write_text("# Start\n\n" + "\n".join(f"- [gone]({link})" for link in broken))
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    # Each is a warning, and each warning fails a strict build.
    assert [link for link in broken if not re.search(rf"WARNING.*{re.escape(link)}", built.stderr)] == []


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        '<img src="https://cdn.example/a.png">',
        '<iframe src="http://cdn.example/"></iframe>',
        "<style>@import 'https://fonts.example/a.css';</style>",
        "<style>body { background: url(https://cdn.example/a.png) }</style>",
    ],
)
def test_resource_on_another_host_is_detected(page: str) -> None:
    assert len(foreign(page)) == 1


def test_hyperlinks_and_local_files_are_allowed() -> None:
    assert (
        foreign('<a href="https://example.com/">there</a> <img src="a.png"> <script src="/b.js"></script>')
        == []
    )
