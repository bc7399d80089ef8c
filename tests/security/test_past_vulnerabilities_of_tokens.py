"""Past vulnerabilities of token libraries, tried on this service and named after their advisory."""

import json
import re
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest
from flask.testing import FlaskClient

from config import ConfigurationError
from tests.support.architecture import ROOT
from tests.support.memory_apps import claims, encoded, forged, header, memory_app
from tests.support.production import FINE, load
from tests.support.service import bearer, me, register, signed_in


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        client = app.test_client()
        register(client)
        yield client


def test_pyjwt_version_is_not_vulnerable() -> None:
    floor = re.search(r"^pyjwt==([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert floor
    assert tuple(map(int, floor[1].split("."))) >= (2, 15, 1)
    assert tuple(map(int, metadata.version("pyjwt").split("."))) >= (2, 15, 1)


@pytest.mark.parametrize("prefix", ["", "\ufeff"])
def test_cve_2022_29217_and_cve_2026_48526_a_public_key_as_the_secret(prefix: str) -> None:
    jwk = json.dumps({"kty": "oct", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"})
    for key in (jwk, f'{{"keys":[{jwk}]}}', "-----BEGIN CERTIFICATE-----\nMIIB" + "A" * 40):
        with pytest.raises(ConfigurationError):
            load(JWT_SECRET_KEY=prefix + key)


def test_cve_2026_48523_other_algorithm(memory: FlaskClient) -> None:
    for algorithm, digest in (("HS384", "sha384"), ("HS512", "sha512"), ("none", "sha256")):
        assert me(memory, forged(header(alg=algorithm), claims(), digest=digest)).status_code == 401


def test_cve_2026_32597_an_unknown_critical_header(memory: FlaskClient) -> None:
    assert me(memory, forged(header(crit=["x"], x=1), claims())).status_code == 401


def test_cve_2026_48525_a_huge_detached_payload(memory: FlaskClient) -> None:
    head, _, signature = forged(header(b64=False, crit=["b64"]), claims()).split(".")
    for token in (f"{head}..{signature}", f"{head}.{'A' * 1_000_000}.{signature}"):
        began = time.process_time()
        assert me(memory, token).status_code == 401
        assert time.process_time() - began < 1


def test_ghsa_8wjv_2p76_3863_nesting_and_odd_types(memory: FlaskClient) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    for token in (forged(deep, claims()), forged(header(), deep)):
        assert me(memory, token).status_code == 401
    odd_ones: list[Any] = [[1], {}, None, "1"]
    for odd in odd_ones:
        assert me(memory, forged(header(), claims() | {"exp": odd})).status_code == 401


def test_cve_2024_53861_partial_issuer(memory: FlaskClient) -> None:
    for issuer in ("http://localhost:800", "http://", ["http://localhost:8000"]):
        assert me(memory, forged(header(), claims(iss=issuer))).status_code == 401


@pytest.mark.parametrize("length", [0, 5, 31])
def test_cve_2025_45768_a_short_key(length: int) -> None:
    with pytest.raises(ConfigurationError):
        load(JWT_SECRET_KEY=FINE["JWT_SECRET_KEY"][:length])


def test_cve_2026_103001_expiry_check_is_not_disabled_by_an_earlier_call(memory: FlaskClient) -> None:
    expired = forged(header(), claims(exp=1))
    memory.post("/auth/logout", headers=bearer(expired))  # reads expired ones too
    assert me(memory, expired).status_code == 401


def test_ghsa_hxm8_2xgr_2p9m_alternative_spelling_of_a_revoked_token(memory: FlaskClient) -> None:
    token = signed_in(memory)["access_token"]
    memory.post("/auth/logout", headers=bearer(token))
    assert [me(memory, token + end).status_code for end in ("", "=", "==", ".")] == [401] * 4


def test_cve_2024_33663_and_cve_2026_27962_a_key_in_the_header(memory: FlaskClient) -> None:
    key = "a key that the caller has chosen"
    jwk = {"kty": "oct", "k": encoded(key)}
    assert me(memory, forged(header(jwk=jwk), claims(), key=key)).status_code == 401
