"""The examples of the guides for other services, run as they are written, with only their ports replaced."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.support.documents import example
from tests.support.proxies import NGINX_HTTP
from tests.support.server import DEADLINE, ROOT, Server, free_port, until

NGINX = os.environ.get("NGINX") or shutil.which("nginx") or "/usr/sbin/nginx"


def get(url: str, token: str | None = None, **headers: str) -> tuple[int, dict[str, Any], Any]:
    """Return the status, JSON body if any, and headers of a response."""
    request = urllib.request.Request(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, _json(answer.read()), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, _json(refusal.read()), refusal.headers


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Site(BaseHTTPRequestHandler):
    """A small site that trusts its proxy and echoes the request headers."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def running(command: list[str], folder: Path, url: str, **environ: str) -> Iterator[None]:
    """Run a process for the block, from its first response on."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env={"PATH": os.environ["PATH"], **environ}
        )
    try:
        until(lambda: process.poll() is not None or _answers(url), f"{command[0]} to answer")
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _answers(url: str) -> bool:
    try:
        get(url)
    except OSError:
        return False
    return True


@contextmanager
def trusting_site() -> Iterator[int]:
    """Run `Site` for the block; yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_port
        site.shutdown()


def copy_guard(folder: Path, service: int) -> None:
    """Copy the shipped files for nginx into this folder, for a service at this port."""
    shutil.copytree(ROOT / "deploy" / "nginx" / "guard", folder / "guard")
    for name in ("server.conf", "site-server.conf"):
        file = folder / "guard" / name
        file.write_text(file.read_text("utf-8").replace("127.0.0.1:8000", f"127.0.0.1:{service}"))


@contextmanager
def nginx(folder: Path, text: str, port: int) -> Iterator[str]:
    """Run nginx with this configuration of its `http` block, which listens at this port; yield its URL."""
    assert Path(NGINX).exists(), "needs nginx: apt-get install nginx-light, or named by NGINX"
    (folder / "nginx.conf").write_text(NGINX_HTTP.format(folder=folder, site=text))
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with running(command, folder, f"http://127.0.0.1:{port}/"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def traefik(folder: Path, text: str) -> Iterator[str]:
    """Run Traefik with this dynamic configuration; yield its URL."""
    binary = shutil.which("traefik", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert binary, "needs traefik: requirements-dev.txt has it for Linux on x86-64"
    port, dynamic = free_port(), folder / "site.yaml"  # it would take traefik.yaml for its static one
    dynamic.write_text(text)
    command = [binary, f"--entryPoints.site.address=127.0.0.1:{port}", f"--providers.file.filename={dynamic}"]
    command += ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder, f"{url}/"):
        until(lambda: get(f"{url}/reports")[0] != 404, "the routers")
        yield url


@contextmanager
def express_site(folder: Path, text: str, port: int) -> Iterator[str]:
    """Run this Express site, which listens at this port, beside Express and `sdk/js`; yield its URL."""
    node = shutil.which("node")
    assert node, "needs node"
    paths = os.environ.get("NODE_PATH", "").split(":")  # where `npm install express` went; modules ignore it
    express = next((Path(path, "express") for path in paths if Path(path, "express").is_dir()), None)
    assert express, "needs express: npm install express, and its folder in NODE_PATH"
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "express").symlink_to(express)
    (modules / "auth-service-client").symlink_to(ROOT / "sdk" / "js")
    (folder / "site.mjs").write_text(text)
    with running([node, "site.mjs"], folder, f"http://127.0.0.1:{port}/"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def documented_nginx(server: Server, folder: Path) -> Iterator[str]:
    """Run nginx, as the backend guide documents it, in front of a small site; yield its URL."""
    port = free_port()
    with trusting_site() as site:
        text = example("nginx", {8080: port, 9000: site})
        copy_guard(folder, server.port)
        with nginx(folder, text, port) as url:
            yield url
