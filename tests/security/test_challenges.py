"""Challenges that pass a ceiling: the proof of work, and an external server."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth.stores.rate_limits import DatabaseCounters
from models import db
from tests.conftest import AppFactory
from tests.support.leaked_password_server import Answer, listing, redirect
from tests.support.proofs import Verifier, solved, verifying
from tests.support.requests import said
from tests.support.service import FixedClock, at_once, rows
from tests.support.small_limits import ON
from utils import challenges
from utils.challenges import DEADLINE, LIFETIME, ExternalChallenge, ProofOfWork
from utils.limits.ceilings import Outcome
from utils.limits.counters import LocalCounters

SECRET = "a secret of the provider"
ROUTES = {"register": "/auth/register", "email_resend": "/auth/email/resend"}


@pytest.fixture(autouse=True)
def easy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "BITS", 4)


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    with verifying() as server:
        yield server


def call(app: Flask, path: str, number: int, response: str | None = None) -> TestResponse:
    """Make a call that counts for a ceiling, from a network of its own."""
    body: dict[str, Any] = {"email": f"user{number}@example.com"}
    if path == ROUTES["register"]:
        body |= {"username": f"user{number}", "password": "correct horse"}
    if response is not None:
        body["challenge_response"] = response
    return app.test_client().post(path, json=body, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})


@pytest.fixture
def app(make_app: AppFactory) -> Flask:
    """Return an app whose ceilings are reached, with a proof of work."""
    app = make_app(ON | {"REGISTRATION_CEILING": "1", "UNPROVEN_MAIL_CEILING": "1", "PROOF_OF_WORK": "true"})
    assert call(app, ROUTES["register"], 1).status_code == 201
    return app


def challenge_of(answer: TestResponse) -> dict[str, Any]:
    assert said(answer) == (429, "challenge_required")
    found: dict[str, Any] = answer.get_json()["challenge"]
    return found


def test_refusal_has_the_kind_of_the_challenge(app: Flask) -> None:
    answer = call(app, ROUTES["register"], 2)
    assert set(answer.get_json()) == {"code", "message", "challenge", "request_id"}
    assert answer.headers["Retry-After"] == "3600"
    challenge = challenge_of(answer)
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", challenge.pop("token"))
    assert challenge == {"kind": "proof_of_work", "puzzles": 16, "bits": 4}


@pytest.mark.parametrize("path", ROUTES.values())
def test_proof_of_work_passes_a_ceiling_once(app: Flask, path: str) -> None:
    response = solved(challenge_of(call(app, path, 2)))
    assert call(app, path, 3, response).status_code in {201, 202}
    challenge_of(call(app, path, 4, response))
    figures = app.extensions["auth_services"].metrics.exposition().decode()
    assert 'auth_challenges_total{kind="proof_of_work",outcome="passed"} 1.0' in figures
    assert 'auth_challenges_total{kind="proof_of_work",outcome="used"} 1.0' in figures
    assert 'outcome="challenged"} 2.0' in figures
    assert 'outcome="passed"} 1.0' in figures


@pytest.mark.both_databases
def test_concurrent_uses_of_a_proof_of_work_pass_once(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app()
    [proof] = [ProofOfWork(["a key"], DatabaseCounters(db.session, clock), clock)]
    response = solved(proof.issue("register"))

    def check() -> Outcome:
        with app.app_context():
            return proof.check("register", response, None)

    assert sorted(at_once([check] * 8)) == [Outcome.PASSED] + [Outcome.USED] * 7


def test_response_of_another_route_does_not_pass(app: Flask) -> None:
    response = solved(challenge_of(call(app, ROUTES["email_resend"], 2)))
    challenge_of(call(app, ROUTES["register"], 3, response))
    assert call(app, ROUTES["email_resend"], 4, response).status_code == 202


@pytest.fixture
def proof(clock: FixedClock) -> ProofOfWork:
    return ProofOfWork(["new key", "old key"], LocalCounters(clock), clock)


def test_proof_of_work_expires(proof: ProofOfWork, clock: FixedClock) -> None:
    first, second = (solved(proof.issue("register")) for _ in range(2))
    clock.advance(LIFETIME - 1)
    assert proof.check("register", first, None) is Outcome.PASSED
    clock.advance(1)
    assert proof.check("register", second, None) is Outcome.FAILED


def test_proof_of_work_of_a_previous_key_passes(proof: ProofOfWork, clock: FixedClock) -> None:
    old = ProofOfWork(["old key"], LocalCounters(clock), clock)
    assert proof.check("register", solved(old.issue("register")), None) is Outcome.PASSED
    other = ProofOfWork(["another key"], LocalCounters(clock), clock)
    assert proof.check("register", solved(other.issue("register")), None) is Outcome.FAILED


SPOILT: list[Callable[[str], str]] = [
    lambda _: "",
    lambda _: "x" * 4096,
    lambda response: response.partition(".")[0],
    lambda response: response[:-1] + "g",
    lambda response: response.upper(),
    lambda response: response + "-0",
    lambda response: response.rpartition("-")[0],
    lambda response: ("A" if response[0] != "A" else "B") + response[1:],
    lambda response: response[:63] + ("A" if response[63] != "A" else "B") + response[64:],
    lambda response: response[:65] + "-".join(["0"] * 16),  # all are right for one token in 2**64
    lambda response: response + "\n",
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_altered_proof_of_work_does_not_pass(proof: ProofOfWork, spoil: Callable[[str], str]) -> None:
    response = solved(proof.issue("register"))
    assert proof.check("register", spoil(response), None) is Outcome.FAILED
    assert proof.check("register", response, None) is Outcome.PASSED


def test_only_a_passed_response_is_stored(app: Flask) -> None:
    def stored() -> int:
        return len(rows(app, "SELECT key FROM rate_limits WHERE key LIKE 'challenge:%'"))

    response = solved(challenge_of(call(app, ROUTES["register"], 2)))
    call(app, ROUTES["register"], 3, response + "-0")
    assert stored() == 0
    call(app, ROUTES["register"], 4, response)
    assert stored() == 1


@pytest.fixture
def external(make_app: AppFactory, verifier: Verifier) -> Flask:
    """Return an app whose ceiling is reached, with an external challenge."""
    app = make_app(
        ON | {"REGISTRATION_CEILING": "1", "CHALLENGE_URL": verifier.url, "CHALLENGE_SECRET": SECRET}
    )
    assert call(app, ROUTES["register"], 1).status_code == 201
    return app


def test_external_server_gets_secret_response_and_address(external: Flask, verifier: Verifier) -> None:
    assert challenge_of(call(external, ROUTES["register"], 2)) == {"kind": "external", "action": "register"}
    assert verifier.asked == []
    verifier.says(success=True)
    assert call(external, ROUTES["register"], 3, "a response & more").status_code == 201
    assert verifier.asked == [{"secret": SECRET, "response": "a response & more", "remoteip": "192.0.2.3"}]


def test_external_response_passes_once(external: Flask, verifier: Verifier) -> None:
    """Also if the server says yes to it again."""
    verifier.says(success=True)
    assert call(external, ROUTES["register"], 2, "a response").status_code == 201
    challenge_of(call(external, ROUTES["register"], 3, "a response"))


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"success": True, "action": "register"}, 201),
        ({"success": True, "action": ""}, 201),
        ({"success": True, "action": "email_resend"}, 429),
        ({"success": True, "action": ["register"]}, 429),
        ({"success": False}, 429),
        ({"success": "true"}, 429),
        ({"success": 1}, 429),
        ({}, 429),
    ],
)
def test_answer_of_the_external_server_decides(
    external: Flask, verifier: Verifier, members: dict[str, Any], status: int
) -> None:
    verifier.says(**members)
    assert call(external, ROUTES["register"], 2, "a response").status_code == status


NO_ANSWERS: dict[str, Answer] = {
    "a status of failure": listing('{"success": true}', 500),
    "a redirect": redirect,
    "no JSON": listing("success"),
    "an array": listing('["success"]'),
    "a deep answer": listing("[" * 9000),
    "a long answer": listing('{"success": true}' + " " * 20_000),
    "a short answer": listing('{"success": true}', missing=1),
}


@pytest.mark.parametrize("trouble", NO_ANSWERS)
def test_without_an_answer_the_ceiling_holds(external: Flask, verifier: Verifier, trouble: str) -> None:
    verifier.answer = NO_ANSWERS[trouble]
    challenge_of(call(external, ROUTES["register"], 2, "a response"))
    verifier.says(success=True)
    assert call(external, ROUTES["register"], 3, "a response").status_code == 201


def test_silent_server_fails_the_response_within_the_deadline(
    verifier: Verifier, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert DEADLINE == 2
    verifier.answer = lambda handler: handler.connection.recv(1) and None
    challenge = ExternalChallenge(verifier.url, SECRET, LocalCounters(clock), deadline=0.2)
    assert challenge.check("register", "a response", None) is Outcome.UNAVAILABLE
    [line] = [each for each in caplog.records if each.getMessage() == "challenge not checked"]
    assert SECRET not in str(line.__dict__)
    assert "a response" not in str(line.__dict__)
