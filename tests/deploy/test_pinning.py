"""Dependencies are pinned by version and hash, images by digest once a registry was asked."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.pin_images import Unpinnable, pin
from tests.support.architecture import ROOT
from tests.support.documents import read

REQUIREMENTS = (
    "requirements.txt",
    "requirements-serve.txt",
    "requirements-dev.txt",
    "bench/peers/requirements.txt",
    "tests/clients/requirements.txt",
    "tests/clients/streamlit.txt",
)
Pins = dict[str, tuple[str, frozenset[str]]]


def pins(file: str) -> Pins:
    """Return version and hashes of each package; assert that every line is one of these."""
    text = re.sub(r"^ *#.*\n", "", read(file), flags=re.MULTILINE).replace("\\\n", " ")
    found: Pins = {}
    for line in text.splitlines():
        form = re.fullmatch(
            r"([a-z0-9-]+)(?:\[[a-z-]+\])?==(\S+)( ; [^-]+?)?((?: +--hash=sha256:[0-9a-f]{64})+)", line
        )
        assert form, line
        found[form[1]] = form[2], frozenset(form[4].split())
    assert len(found) > 10
    return found


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_requirement_is_pinned_with_its_hashes(file: str) -> None:
    assert pins(file)


def test_image_requirements_are_the_same_pins_without_pytest() -> None:
    every, served = pins("requirements.txt"), pins("requirements-serve.txt")
    assert served == {name: every[name] for name in served}
    assert "pytest" in every.keys() - served.keys()
    assert {"pytest", "pluggy", "iniconfig"}.isdisjoint(served)


def commands(file: str) -> list[str]:
    """Return the lines of a file that install requirements, continuation lines joined."""
    lines = re.sub(r"\\\n\s*", "", read(file)).splitlines()
    return [
        part for line in lines for part in re.split(r"&&|\|\|", line) if re.search(r"install .*-r ", part)
    ]


def test_every_install_requires_hashes() -> None:
    found = {
        file: commands(file) for file in ("Makefile", "Dockerfile", ".ci/run", "docs/guides/operator.md")
    }
    assert [len(each) for each in found.values()] == [4, 1, 0, 1]
    assert all("--require-hashes" in command for each in found.values() for command in each)
    assert "requirements-serve.txt" in found["Dockerfile"][0]
    assert '"--require-hashes"' in read("bench/peer.py")


class Registry:
    """A container registry on loopback that asks for a token, as Docker Hub does."""

    def __init__(self) -> None:
        self.manifests: dict[str, bytes] = {}
        self.stated: dict[str, str] = {}
        self.token_answer, self.cut_short = b'{"token": "granted"}', 0
        self.url = ""

    def digest(self, path: str) -> str:
        body = self.manifests.setdefault(path, json.dumps({"manifest": path}).encode())
        return f"sha256:{hashlib.sha256(body).hexdigest()}"


@contextmanager
def serving(registry: Registry) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                length = str(len(registry.token_answer) + registry.cut_short)
                return self.answer(200, registry.token_answer, {"Content-Length": length})
            if self.headers["Authorization"] != "Bearer granted":
                challenge = f'Bearer realm="{registry.url}/token",service="registry",scope="pull"'
                return self.answer(401, b"{}", {"WWW-Authenticate": challenge})
            stated = registry.stated.get(self.path, registry.digest(self.path))
            return self.answer(200, registry.manifests.get(self.path, b""), {"Docker-Content-Digest": stated})

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        registry.url = f"http://127.0.0.1:{server.server_port}"
        yield registry.url
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Dockerfile", "deploy/compose.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def images(project: Path) -> list[str]:
    text = (project / "Dockerfile").read_text() + (project / "deploy/compose.yaml").read_text()
    return re.findall(r"^(?:FROM| +image:) (\S+)", text, re.MULTILINE)


def test_pin_images_writes_the_digests_of_the_registry(project: Path) -> None:
    before = [name.partition("@")[0] for name in images(project)]
    registry = Registry()
    with serving(registry) as url:
        pinned = pin(project, url)
        assert pin(project, url) == pinned  # again: the digests are replaced
    assert images(project) == [f"{name}@{pinned[name]}" if name in pinned else name for name in before]
    assert {name for name in before if name not in pinned} == {"auth-service:0.1.0"}
    path = f"/v2/library/{before[0].replace(':', '/manifests/')}"
    assert pinned[before[0]] == registry.digest(path)


def test_pin_images_changes_nothing_if_a_digest_cannot_be_read(project: Path) -> None:
    before = images(project)
    registry = Registry()
    with serving(registry) as url:
        registry.stated["/v2/valkey/valkey/manifests/9.0-alpine"] = f"sha256:{'0' * 64}"
        with pytest.raises(Unpinnable, match="valkey"):
            pin(project, url)
    with pytest.raises(Unpinnable, match="did not answer"):
        pin(project, "http://127.0.0.1:1")
    assert images(project) == before


def test_pin_images_takes_a_token_by_its_other_name(project: Path) -> None:
    registry = Registry()
    registry.token_answer = b'{"access_token": "granted"}'
    with serving(registry) as url:
        assert pin(project, url)


@pytest.mark.parametrize(("answer", "cut_short"), [(b"{}", 0), (b"[]", 0), (b"no JSON", 0), (b"{}", 1)])
def test_pin_images_says_what_it_lacks_if_it_gets_no_token(
    project: Path, answer: bytes, cut_short: int
) -> None:
    registry = Registry()
    registry.token_answer, registry.cut_short = answer, cut_short
    with serving(registry) as url, pytest.raises(Unpinnable, match="did not answer as it should"):
        pin(project, url)


def test_documents_say_that_images_are_unpinned_until_then() -> None:
    is_pinned = all("@sha256:" in name for name in images(ROOT) if not name.startswith("auth-service:"))
    assert is_pinned != ("pinned by tag only" in read("docs/guides/operator.md"))
