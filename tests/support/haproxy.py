"""HAProxy with the configuration of deploy/haproxy, in front of test servers."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.server import ROOT, Server, free_port

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"


def program(name: str) -> str:
    """Return the path of a system program; fail the test if it is missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    assert found, f"needs {name}"
    return found


def self_signed(folder: Path) -> Path:
    """Return a self-signed certificate for localhost, with its key."""
    key, certificate, both = (folder / name for name in ("key", "certificate", "tls_pem"))
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, capture_output=True, check=True)
    both.write_text(certificate.read_text() + key.read_text())
    return both


def changed(text: str, replaced: dict[str, str]) -> str:
    """Return a configuration with other ports and paths. Everything that is replaced must be in it."""
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Proxy:
    plain_port: int
    tls_port: int
    certificate: Path


@contextmanager
def proxying(
    folder: Path, *servers: Server, request_timeout: str = "10s", maximum: int = 4000
) -> Iterator[Proxy]:
    """Start the proxy without waiting for it.

    `request_timeout` replaces `timeout http-request`, and `maximum` the number of connections, `maxconn`.
    """
    proxy = Proxy(free_port(), free_port(), self_signed(folder))
    text = changed(
        CONFIGURATION.read_text("utf-8"),
        {
            "/run/secrets/tls_pem": str(proxy.certificate),
            "timeout http-request 10s": f"timeout http-request {request_timeout}",
            "\n    maxconn 4000\n": f"\n    maxconn {maximum}\n",
            ":8080": f"127.0.0.1:{proxy.plain_port}",
            ":8443": f"127.0.0.1:{proxy.tls_port}",
        },
    )
    apps = "\n".join(f"    server app{s.port} 127.0.0.1:{s.port}" for s in servers)
    text, replaced = re.subn(r"^ +server-template .*$", apps, text, flags=re.MULTILINE)
    assert replaced == 2  # the apps, and the same for what hashes
    (folder / "haproxy.cfg").write_text(text)
    process = subprocess.Popen([program("haproxy"), "-f", str(folder / "haproxy.cfg")], cwd=folder)
    try:
        yield proxy
    finally:
        process.terminate()
        process.wait(30)
