"""The shipped configurations of proxies, run in front of a server: HAProxy, nginx, Caddy and Traefik."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

import yaml

from tests.support import haproxy
from tests.support.haproxy import Proxy, changed, program, self_signed
from tests.support.server import DEADLINE, ROOT, Server, free_port, until

DEPLOY = ROOT / "deploy"
SHIPPED = ("haproxy", "nginx", "caddy")
NGINX_HTTP = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def shipped(name: str, folder: Path, server: Server) -> AbstractContextManager[Proxy]:
    """Run the shipped configuration of this proxy in front of a server, on free ports, until it answers."""
    if name == "haproxy":
        return _answering(haproxy.proxying(folder, server))
    return _answering({"nginx": nginx, "caddy": caddy}[name](folder, server))


@contextmanager
def nginx(folder: Path, server: Server) -> Iterator[Proxy]:
    proxy, replaced = _proxy(folder, server)
    site = changed(
        (DEPLOY / "nginx" / "auth.conf").read_text("utf-8"),
        replaced
        | {
            "listen 80;": f"listen 127.0.0.1:{proxy.plain_port};",
            "listen 443 ": f"listen 127.0.0.1:{proxy.tls_port} ",
            "/etc/auth/tls/fullchain.pem": str(folder / "certificate"),
            "/etc/auth/tls/privkey.pem": str(folder / "key"),
            "auth.example.com": "localhost",
        },
    )
    with running_nginx(folder, site):
        yield proxy


@contextmanager
def running_nginx(folder: Path, site: str) -> Iterator[None]:
    """Run nginx with this text in its `http` block."""
    file = folder / "nginx.conf"
    file.write_text(NGINX_HTTP.format(folder=folder, site=site))
    with _running([program("nginx"), "-p", str(folder), "-c", str(file), "-e", "stderr"], folder):
        yield


@contextmanager
def caddy(folder: Path, server: Server) -> Iterator[Proxy]:
    proxy, replaced = _proxy(folder, server)
    text = changed(
        (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8"),
        replaced
        | {
            "http://auth.example.com {": f"http://localhost:{proxy.plain_port} {{\n\tbind 127.0.0.1",
            "\nauth.example.com {": f"\nhttps://localhost:{proxy.tls_port} {{\n\tbind 127.0.0.1\n"
            f"\ttls {folder}/certificate {folder}/key",
            "\tservers {": "\tadmin off\n\tauto_https disable_redirects\n\tservers {",
        }
        | ({"request_buffers 64KiB": "buffer_requests"} if _caddy_version() < (2, 6, 3) else {}),
    )
    with running_caddy(folder, text):
        yield proxy


@contextmanager
def running_caddy(folder: Path, text: str) -> Iterator[None]:
    """Run Caddy with this configuration."""
    file = folder / "Caddyfile"
    file.write_text(text)
    command = [program("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]
    with _running(command, folder, HOME=str(folder)):
        yield


@contextmanager
def traefik(folder: Path, server: Server) -> Iterator[Proxy]:
    """Run the shipped configuration of Traefik until it answers, with a certificate of this test."""
    proxy, replaced = _proxy(folder, server)
    text = (DEPLOY / "traefik" / "auth.yaml").read_text("utf-8")
    dynamic = yaml.safe_load(changed(text, replaced | {"auth.example.com": "localhost"}))
    files = {"certFile": str(folder / "certificate"), "keyFile": str(folder / "key")}
    dynamic["tls"] = {"stores": {"default": {"defaultCertificate": files}}}
    static: dict[str, Any] = yaml.safe_load((DEPLOY / "traefik" / "traefik.yaml").read_text("utf-8"))
    points = static["entryPoints"]
    points["web"]["address"] = f"127.0.0.1:{proxy.plain_port}"
    points["websecure"]["address"] = f"127.0.0.1:{proxy.tls_port}"
    points["websecure"]["http"]["tls"] = {"options": "default"}  # and no certificate of Let's Encrypt
    del static["certificatesResolvers"]
    static["global"] = {"checkNewVersion": False, "sendAnonymousUsage": False}
    static["providers"]["file"]["filename"] = str(folder / "auth.yaml")
    (folder / "auth.yaml").write_text(yaml.safe_dump(dynamic))
    (folder / "traefik.yaml").write_text(yaml.safe_dump(static))
    binary = shutil.which("traefik", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert binary, "needs traefik: requirements-dev.txt has it for Linux on x86-64"
    command = [binary, f"--configFile={folder / 'traefik.yaml'}"]
    with _answering(_with(proxy, _running(command, folder))):
        yield proxy


@contextmanager
def _with(proxy: Proxy, program: AbstractContextManager[None]) -> Iterator[Proxy]:
    with program:
        yield proxy


def _proxy(folder: Path, server: Server) -> tuple[Proxy, dict[str, str]]:
    self_signed(folder)
    proxy = Proxy(free_port(), free_port(), folder / "certificate")
    return proxy, {"127.0.0.1:8000": f"127.0.0.1:{server.port}"}


def _caddy_version() -> tuple[int, ...]:
    told = subprocess.run([program("caddy"), "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", told)[:3])


@contextmanager
def _running(command: list[str], folder: Path, **environ: str) -> Iterator[None]:
    with (folder / "proxy.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], **environ}
        )
    try:
        yield
        assert process.poll() is None, (folder / "proxy.log").read_text()
    finally:
        process.terminate()
        process.wait(DEADLINE)


@contextmanager
def _answering(proxy: AbstractContextManager[Proxy]) -> Iterator[Proxy]:
    with proxy as started:
        until(lambda: ask(started, "/auth/me")[0] == 401, "the proxy to answer")
        yield started


Headers = Sequence[tuple[str, str]]


def ask(
    proxy: Proxy,
    path: str,
    headers: Headers = (),
    *,
    method: str = "GET",
    body: bytes = b"",
    tls: bool = True,
) -> tuple[int, str]:
    """Send one request and return the status and the type of the answer; status 0 without an answer.

    Header names and the path are sent as they are written.
    """
    if tls:
        context = ssl.create_default_context(cafile=str(proxy.certificate))
        connection: HTTPConnection = HTTPSConnection(
            "localhost", proxy.tls_port, context=context, timeout=DEADLINE
        )
    else:
        connection = HTTPConnection("localhost", proxy.plain_port, timeout=DEADLINE)
    try:
        connection.putrequest(method, path)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            connection.putheader(name, value)
        connection.endheaders(body or None)
        answer: HTTPResponse = connection.getresponse()
        answer.read()
        return answer.status, re.sub(r";.*", "", answer.headers.get("Content-Type", ""))
    except OSError:
        return 0, ""
    finally:
        connection.close()
