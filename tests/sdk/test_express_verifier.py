"""The verifier of `sdk/js`, and the Express example of the resources guide, against the service."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from oauth.feed import ended
from tests.conftest import AppFactory
from tests.support.architecture import ROOT
from tests.support.documents import example
from tests.support.examples import express_site
from tests.support.grants import RESOURCE, grant_row
from tests.support.oauth import SECRET
from tests.support.server import free_port, until
from tests.support.service import FixedClock, execute
from tests.support.token_service import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js"),
]
DRIVER = """
import { createInterface } from "node:readline";
import { createTokenVerifier } from "./tokens.js";
let asked = { now: 0, running: 0 };
Date.now = () => asked.now;
Object.defineProperty(performance, "now", { value: () => asked.running });
const [url, resource, clientSecret, withoutFeed] = process.argv.slice(2);
const { check } = createTokenVerifier({ url, resource, clientId: "api", clientSecret, withoutFeed });
for await (const line of createInterface({ input: process.stdin })) {
  asked = JSON.parse(line);
  const told = await check(asked.authorization, ...asked.scopes).then(
    (token) => ({ status: 200, user: token.userId, client: token.clientId }),
    (error) => ({ status: error.status ?? 0, code: error.body?.code ?? String(error) }),
  );
  console.log(JSON.stringify(told));
}
"""


class NodeVerifier:
    """A process of Node with the verifier."""

    def __init__(self, folder: Path, service: Service, without_feed: str = "refuse") -> None:
        for name in ("tokens.js", "shared.js", "package.json"):
            shutil.copy(ROOT / "sdk/js" / name, folder)
        (folder / "driver.mjs").write_text(DRIVER)
        self._clock, self.set_back = service.clock, timedelta(0)
        self.process = subprocess.Popen(
            ["node", "driver.mjs", service.url, RESOURCE, SECRET, without_feed],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, authorization: str | None, *scopes: str) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        now, running = (
            int(moment.timestamp() * 1000)
            for moment in (self._clock.now() - self.set_back, self._clock.now())
        )
        asked = {"now": now, "running": running, "authorization": authorization, "scopes": scopes}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture
def service(make_app: AppFactory, clock: FixedClock) -> Iterator[Service]:
    made = Service(make_app, clock)
    yield made
    made.close()


@pytest.fixture
def verifier(tmp_path: Path, service: Service) -> Iterator[NodeVerifier]:
    made = NodeVerifier(tmp_path, service)
    yield made
    made.close()


YES = {"status": 200, "user": 1, "client": "app"}
INVALID = {"status": 401, "code": "token_invalid"}


def test_node_verifier_accepts_a_token_until_five_seconds_after_the_logout(
    service: Service, verifier: NodeVerifier, clock: FixedClock
) -> None:
    token = service.token()
    assert verifier.check(token, "orders:read") == YES
    assert verifier.check(token, "orders:write") == {"status": 403, "code": "scope_missing"}
    assert verifier.check(None) == {"status": 401, "code": "token_missing"}
    service.log_out()
    clock.advance(3)
    assert verifier.check(token) == INVALID
    assert service.asked.count("/oauth/jwks") == 1


def test_node_verifier_refuses_other_and_forged_tokens(service: Service, verifier: NodeVerifier) -> None:
    past = int((service.clock.now() - timedelta(hours=1)).timestamp())
    wrong: list[dict[str, Any]] = [
        {"aud": "x"},
        {"aud": [RESOURCE]},
        {"iss": "x"},
        {"typ": "JWT"},
        {"typ": ["at+jwt"]},
        {"alg": "RS256"},
        {"exp": past},
        {"iat": "x"},
        {"sub": "ada"},
        {"gid": 1},
        {"scope": None},
    ]
    for changes in wrong:
        assert verifier.check(service.token(**changes)) == INVALID, changes
    text = service.token().removeprefix("Bearer ")
    header, claims = jwt.get_unverified_header(text), jwt.decode(text, options={"verify_signature": False})
    forged = [
        f"{'.'.join(text.split('.')[:2])}.AA",
        jwt.encode(claims, "", algorithm="none", headers=header | {"alg": "none"}),
        jwt.encode(claims, generate_private_key(SECP256R1()), algorithm="ES256", headers=header),
        jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"typ": "at+jwt", "kid": header["kid"]}),
    ]
    for each in forged:
        assert verifier.check(f"Bearer {each}") == INVALID, each


def test_node_verifier_refuses_without_the_feed_and_after_a_leak(
    service: Service, verifier: NodeVerifier, clock: FixedClock
) -> None:
    token = service.token()
    assert verifier.check(token) == YES
    service.away.add("/oauth/revocations")
    clock.advance(30)
    assert verifier.check(token) == YES
    clock.advance(3)
    assert verifier.check(token) == {"status": 503, "code": "unavailable"}
    service.away.clear()
    clock.advance(3)
    assert verifier.check(token) == YES
    execute(service.app, "UPDATE signing_keys SET leaked_at = created_at WHERE alg = 'ES256'")
    clock.advance(3)
    assert verifier.check(token) == INVALID


def test_node_verifier_reads_the_feed_in_time_when_the_clock_of_the_machine_is_set_back(
    service: Service, verifier: NodeVerifier, clock: FixedClock
) -> None:
    token = service.token(iat=int((clock.now() - timedelta(hours=1)).timestamp()))
    assert verifier.check(token) == YES
    service.log_out()
    verifier.set_back = timedelta(minutes=20)
    clock.advance(3)
    assert verifier.check(token) == INVALID


def test_node_verifier_reads_every_page_of_the_feed(
    service: Service, verifier: NodeVerifier, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "PAGE", 2)
    token = service.token()
    for _ in range(6):
        grant_row(service.app, service.session, resource=RESOURCE, ended_at=clock.now())
    assert verifier.check(token) == YES
    assert service.asked.count("/oauth/revocations") == 3
    for _ in range(4):
        grant_row(service.app, service.session, resource=RESOURCE, ended_at=clock.now(), now=clock.now())
    clock.advance(3)
    service.log_out()
    assert verifier.check(token) == INVALID


def test_node_verifier_reads_the_feed_from_the_start_if_its_cursor_is_refused(
    service: Service, verifier: NodeVerifier, clock: FixedClock
) -> None:
    token = service.token()
    assert verifier.check(token) == YES
    service.log_out()
    service.refused = True
    clock.advance(3)
    assert verifier.check(token) == YES
    service.refused = False
    clock.advance(3)
    assert verifier.check(token) == INVALID
    assert service.queries[-1] == ""


def test_node_verifier_introspects_without_the_feed_if_told_to(
    service: Service, tmp_path: Path, clock: FixedClock
) -> None:
    verifier = NodeVerifier(tmp_path, service, "introspect")
    token = service.token()
    assert verifier.check(token) == YES
    service.away.add("/oauth/revocations")
    clock.advance(33)
    assert verifier.check(token) == YES
    service.log_out()
    assert verifier.check(token) == INVALID
    service.away.add("/oauth/introspect")
    assert verifier.check(token) == {"status": 503, "code": "unavailable"}
    verifier.close()


def test_express_example_of_the_guide_refuses_a_token_that_was_logged_out(
    service: Service, tmp_path: Path
) -> None:
    port = free_port()
    text = example("express-resource", {9000: port}, "provider-resources")
    assert len(text.strip().splitlines()) <= 15
    text = text.replace("https://auth.example.com", service.url).replace("https://api.example.com", RESOURCE)
    text = text.replace('"api.example.com"', '"api"').replace("process.env.CLIENT_SECRET", json.dumps(SECRET))
    text = f"Date.now = () => {int(service.clock.now().timestamp() * 1000)};\n{text}"
    token = service.token()
    with express_site(tmp_path, text, port) as url:
        assert orders(url, token) == (200, {"orders_of": 1, "asked_by": "app"}, None)
        status, told, challenge = orders(url, None)
        assert (status, told["code"], challenge) == (401, "token_missing", "Bearer")
        service.log_out()
        refused = (401, "token_invalid", 'Bearer error="invalid_token"')

        def is_refused() -> bool:
            status, told, challenge = orders(url, token)
            return (status, told.get("code"), challenge) == refused

        until(is_refused, "the feed")


def orders(url: str, token: str | None) -> tuple[int, Any, str | None]:
    """Return status, body and challenge of a call of the example."""
    request = Request(f"{url}/orders", headers={"Authorization": token} if token else {})
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer), None
    except HTTPError as refused:
        return refused.code, json.load(refused), refused.headers["WWW-Authenticate"]
