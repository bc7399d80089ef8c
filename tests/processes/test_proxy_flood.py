"""Connection floods: logins queue at the shipped proxy, and the shipped unit allows enough threads."""

import http.client
import json
import re
import ssl
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import new_sqlite
from tests.support.haproxy import Proxy, proxying
from tests.support.server import DEADLINE, ROOT, serving, until
from tests.support.service import PASSWORD, at_once
from utils.passwords.hash_limiter import MAX_WAITING
from utils.serving.server import THREADS

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
SETTINGS = {"RATE_LIMIT_ENABLED": "false", "HASH_CONCURRENCY": "1", "PASSWORD_HASH_METHOD": "scrypt:4096:8:1"}


def call(proxy: Proxy, method: str, path: str) -> int:
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    connection = http.client.HTTPSConnection("localhost", proxy.tls_port, context=context, timeout=DEADLINE)
    try:
        body = json.dumps(ADA) if method == "POST" else None
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.nightly  # a machine that is busy otherwise answers 503, as it should
def test_concurrent_logins_queue_at_the_proxy_without_a_refusal(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with (
        serving(new_sqlite(sqlite_template, tmp_path), tmp_path, **SETTINGS) as server,
        proxying(tmp_path, server) as proxy,
    ):
        until(lambda: call(proxy, "POST", "/auth/register") in {201, 409}, "the proxy to serve")
        many = 2 * MAX_WAITING
        calls: list[Callable[[], int]] = [partial(call, proxy, "POST", "/auth/login")] * many
        assert Counter(at_once(calls)) == {200: many}


def test_systemd_allows_the_threads_of_many_workers() -> None:
    unit = (ROOT / "deploy" / "systemd" / "auth.service").read_text("utf-8")
    (allowed,) = re.findall(r"^TasksMax=(\d+)$", unit, re.MULTILINE)
    assert int(allowed) >= 16 * (THREADS + 16)  # as many workers as a large machine has cores
