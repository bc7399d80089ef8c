"""Password strength: scores with advice, agreement with registration, bounded cost."""

import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from zxcvbn import matching, zxcvbn

from tests.conftest import AppFactory
from tests.support.architecture import ROOT
from tests.support.requests import everything
from tests.support.service import PASSWORD, CountingHasher, FixedClock, at_once, register
from tests.support.small_limits import limits
from utils.errors import Busy
from utils.passwords import strength as scorer
from utils.passwords.strength import MAX_SUBSTITUTIONS, SCORED, scored_part, strength

ON = {"PASSWORD_BLOCKLIST": "true"}
# The most expensive known inputs for zxcvbn, found by hand and by search.
HOSTILE = [
    "4@8({[<3690|1!|7$5+7%24@8({[<369" * 8,
    "({[1!|7+" * 32,
    "4@1|7+" * 42,
    "ss4@1|7+ia6eroes4a1|c+t8inroes4n" * 8,
    "a" * 256,
    "1/1/91" * 40,
    "\u0344" * 85,
    "\U0010ffff" * 256,
]


def ask(client: FlaskClient, password: str = PASSWORD, **more: Any) -> TestResponse:
    return client.post("/auth/password/strength", json={"password": password} | more)


def score(client: FlaskClient, password: str, **more: Any) -> int:
    answer = ask(client, password, **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return int(answer.get_json()["score"])


@pytest.fixture
def guarded(make_app: AppFactory) -> FlaskClient:
    """Return a client of an app with the block-list on."""
    return make_app(ON).test_client()


def test_strength_response_has_score_and_advice(guarded: FlaskClient) -> None:
    weak = ask(guarded, "password").get_json()
    assert set(weak) == {"score", "warning", "suggestions", "acceptable"}
    assert (weak["score"], weak["acceptable"]) == (0, False)
    assert "common password" in weak["warning"]
    assert all(isinstance(advice, str) for advice in weak["suggestions"])
    assert weak["suggestions"]
    assert ask(guarded).get_json() == {"score": 4, "warning": None, "suggestions": [], "acceptable": True}


@pytest.mark.parametrize(
    "password",
    [
        *("1234567", "sunshine", "SUNSHINE", "Ada!1815", "ada@example.com and more", "AxiomTech99"),
        *(PASSWORD, "a new and long one", "x" * 9 + "\0", "e\u0301" * 7, "e\u0301" * 9),
    ],
)
def test_acceptable_agrees_with_registration(make_app: AppFactory, password: str) -> None:
    for environ in (ON, {"PASSWORD_BLOCKLIST": "false"}, ON | {"PASSWORD_MIN_LENGTH": "17"}):
        client = make_app(environ).test_client()
        told = ask(client, password, username="ada", email="ada@example.com").get_json()["acceptable"]
        # The username is taken the second time, which is reported only if the password is acceptable.
        status = register(client, password=password).status_code
        assert told == (status != 400), (environ, status)


def test_username_and_email_lower_the_score(client: FlaskClient) -> None:
    assert score(client, "wolkenkratzer") > score(client, "wolkenkratzer", username="wolkenkratzer")
    assert score(client, "wolkenkratzer") > score(client, "wolkenkratzer", email="wolkenkratzer@example.com")
    assert score(client, "wolkenkratzer") > score(client, "wolkenkratzer", email="wolkenkratzer")


def test_context_words_of_the_service_lower_the_score(make_app: AppFactory) -> None:
    known = make_app({"BRAND_NAME": "Zwirbelkopf", "PASSWORD_CONTEXT_WORDS": "a,wolkenkratzer"}).test_client()
    plain = make_app().test_client()
    for password in ("zwirbelkopf", "wolkenkratzer"):
        assert score(known, password) == 0 < score(plain, password)


def test_context_words_do_not_affect_later_requests(client: FlaskClient) -> None:
    before = score(client, "wolkenkratzer")
    score(client, PASSWORD, username="wolkenkratzer")
    assert matching.RANKED_DICTIONARIES["user_inputs"] == {}
    assert score(client, "wolkenkratzer") == before


@pytest.mark.parametrize(
    "email", ["", "a", "a@", "@", "@@", "no address at all", "\0", "\U0010ffff", "x" * 254]
)
def test_incomplete_address_is_accepted(guarded: FlaskClient, email: str) -> None:
    answer = ask(guarded, username=email[:80], email=email)
    assert (answer.status_code, answer.get_json()["acceptable"]) == (200, True)


@pytest.mark.parametrize(("field", "most"), [("username", 80), ("email", 254), ("password", 256)])
def test_every_strength_field_has_a_maximum_length(client: FlaskClient, field: str, most: int) -> None:
    assert ask(client, **{field: "x" * most}).status_code == 200
    answer = ask(client, **{field: "x" * (most + 1)})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_failed")
    assert list(answer.get_json()["fields"]) == [field]
    assert "xxx" not in answer.get_data(as_text=True)


def test_strength_request_is_neither_stored_nor_logged(
    make_app: AppFactory, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(ON)
    counting = CountingHasher(app.extensions["auth_services"].hasher)
    before = everything(app)
    canary = "canary-of-the-meter"
    answer = ask(make_app(ON, hasher=counting).test_client(), canary, username="canary", email="canary@x.org")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "canary" not in answer.get_data(as_text=True)
    assert everything(app) == before
    assert counting.calls == 0
    assert caplog.records
    assert not any("canary" in str(record.__dict__) for record in caplog.records)


def test_strength_is_limited_to_twenty_in_ten_seconds(make_app: AppFactory, clock: FixedClock) -> None:
    client = make_app({"RATE_LIMIT_ENABLED": "true"}).test_client()
    answers = [ask(client) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"strength";q=20;w=10'
    clock.advance(10)
    assert ask(client).status_code == 200


def test_strength_limit_is_separate_from_registration(make_app: AppFactory, clock: FixedClock) -> None:
    client = make_app(limiter=limits(clock, strength=1)).test_client()
    assert [ask(client).status_code for _ in range(2)] == [200, 429]
    assert register(client).status_code == 201


def readings(text: str) -> int:
    """Return how many l33t substitutions zxcvbn tries for this text."""
    return len(matching.enumerate_l33t_subs(matching.relevant_l33t_subtable(text, matching.L33T_TABLE)))


@pytest.mark.parametrize("text", HOSTILE)
def test_scoring_cost_is_bounded(client: FlaskClient, text: str) -> None:
    assert len(scored_part(text)) <= SCORED == 32
    assert readings(scored_part(text)) <= 32
    assert ask(client, text, username=text[:80], email=text[:254]).status_code == 200


def test_scoring_caps_reduce_the_cost() -> None:
    worst = HOSTILE[0]
    assert readings(worst[:SCORED]) > 20 * readings(scored_part(worst))

    def cost(call: Callable[[], object]) -> float:
        began = time.process_time()
        call()
        return time.process_time() - began

    strength("warm")
    capped = min(cost(lambda: strength(worst)) for _ in range(3))
    assert 4 * capped < min(cost(lambda: zxcvbn(worst[:SCORED])) for _ in range(3))


def test_number_of_context_words_is_capped() -> None:
    tail = "w" * 64
    assert strength("wolkenkratzer", ["x"] * 900 + ["wolkenkratzer"]).score == 0  # the same word counts once
    distinct = [f"{tail}{number}"[-64:] for number in range(49)]
    assert strength("wolkenkratzer", [*distinct, "wolkenkratzer"]).score == 0
    assert strength("wolkenkratzer", [*distinct, "another", "wolkenkratzer"]).score > 0


def test_characters_beyond_the_substitution_cap_keep_entropy_and_repeats() -> None:
    text = scored_part("Ab4@8(3690Ab4@8(3690")
    assert text[:10] == text[10:]
    assert len(set(text)) == 10
    assert sum(char in text for char in "4@8(3690") == MAX_SUBSTITUTIONS
    assert scored_part("Tr0ub4dor&3 $5") == "Tr0ub4dor&3 $5"
    assert scored_part("e\u0301" * 40) == unicodedata.normalize("NFC", "e\u0301" * SCORED)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple trombone ladder",
        "violet teapot authentic river mountain " * 6,
        "kX9#mQ2$vL7@pR4!wZ8%",
        "Zb7Tq!c2Vw9(Kd4Lx6Rm8Np3Ys5Jf1Gh0",
    ],
)
def test_a_long_passphrase_and_a_random_password_score_best(client: FlaskClient, password: str) -> None:
    assert score(client, password) == 4


def test_scoring_is_serialised_and_waiting_times_out_as_busy(client: FlaskClient) -> None:
    with scorer._scoring_lock:
        with pytest.raises(Busy):
            strength("x", max_wait=0.01)
        answer = ask(client)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
        assert answer.headers["Retry-After"] == "1"
    assert ask(client).status_code == 200


def test_parallel_scorings_use_their_own_context_words() -> None:
    def one(number: int) -> Callable[[], int]:
        words = ["wolkenkratzer"] if number % 2 else []
        return lambda: strength("wolkenkratzer", words, max_wait=60).score

    plain = strength("wolkenkratzer").score
    assert at_once([one(number) for number in range(16)]) == [plain, 0] * 8


def test_failed_scoring_releases_the_lock() -> None:
    with pytest.raises(TypeError):
        strength(PASSWORD, [1])  # type: ignore[list-item]
    broken: Any = type("Word", (str,), {"lower": lambda _self: 1 / 0})("word")
    with pytest.raises(ZeroDivisionError):
        strength(PASSWORD, [type("Whole", (str,), {"__getitem__": lambda _s, _i: broken})("x")])
    assert strength(PASSWORD, max_wait=0).score == 4


def test_zxcvbn_and_the_commands_are_not_imported_at_startup() -> None:
    code = (
        "import sys; from app import create_app; create_app('testing'); "
        "print([name for name in sys.modules if name == 'zxcvbn' or name.endswith('.cli')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "['flask.cli', 'flask_sqlalchemy.cli']"
