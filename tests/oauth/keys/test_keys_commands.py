"""`flask auth keys` and `rotate-keys`, `reseal`, and what `doctor` finds of the keys."""

from typing import Any

import pytest
from flask import Flask

from oauth.keys import findings
from tests.conftest import AppFactory
from tests.oauth.keys.test_ring import published, read, signed
from tests.support.commands import asked, auth, event, written
from tests.support.requests import prune
from tests.support.service import FixedClock, execute, rows
from utils.services import services

DAY = 24 * 60 * 60


def found(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        return [(each.state, each.text) for each in findings.examine(services())]


def test_keys_lists_states_and_no_private_part(app: Flask, clock: FixedClock) -> None:
    assert auth(app, "keys").stdout == "There are no keys yet: the first token makes them.\n"
    assert asked(app, "keys") == []
    signed(app)
    asked(app, "rotate-keys")
    told = asked(app, "keys")
    assert [(key["alg"], key["state"]) for key in told] == [
        ("RS256", "present"),
        ("RS256", "next"),
        ("ES256", "present"),
        ("ES256", "next"),
    ]
    assert {*told[0]} == {
        *("kid", "alg", "state", "created_at", "signs_from", "signs_until", "published_until", "leaked_at")
    }
    assert told[1]["signs_from"] == told[0]["signs_until"] == "2026-03-02T12:00:00Z"
    assert "signs until 2026-03-02 12:00 UTC" in auth(app, "keys").stdout


def test_rotate_keys_is_recorded(app: Flask) -> None:
    told = asked(app, "rotate-keys")
    assert [each["alg"] for each in told] == ["RS256", "ES256"]
    assert {each["kid"] for each in told} == {*published(app)}
    assert written(app) == [event("keys_rotated"), event("keys_rotated")]


def test_rotate_keys_drops_a_leaked_key(app: Flask, clock: FixedClock) -> None:
    signed(app)
    leaked = published(app)[0]
    told = asked(app, "rotate-keys", "--leaked", leaked)
    assert leaked not in {each["kid"] for each in told}
    clock.advance(60)
    assert leaked not in published(app)
    states = {key["kid"]: key["state"] for key in asked(app, "keys")}
    assert states[leaked] == "leaked"
    other = auth(app, "rotate-keys", "--leaked", published(app)[0])
    assert "Every process follows within 5 seconds." in other.stdout
    again = auth(app, "rotate-keys", "--leaked", leaked)
    assert again.exit_code == 2
    assert "There is no such key" in again.stderr
    assert leaked not in again.stderr


@pytest.mark.both_databases
def test_reseal_encrypts_the_keys_under_the_present_secret(make_app: AppFactory) -> None:
    old, new = "o" * 40, "n" * 40
    token = signed(make_app({"FLASK_SECRET_KEY": old}))
    both = make_app({"FLASK_SECRET_KEY": new, "FLASK_PREVIOUS_SECRET_KEYS": old})
    assert found(both)[0][0] == "warning"
    assert asked(both, "reseal") == {"resealed": 2, "unreadable": 0}
    assert asked(both, "reseal") == {"resealed": 0, "unreadable": 0}
    alone = make_app({"FLASK_SECRET_KEY": new})
    assert read(alone, token)
    assert read(alone, signed(alone))
    assert found(alone)[0][0] == "ok"


def test_reseal_and_doctor_tell_of_keys_that_cannot_be_decrypted(make_app: AppFactory) -> None:
    signed(make_app({"FLASK_SECRET_KEY": "o" * 40}))
    lost = make_app({"FLASK_SECRET_KEY": "n" * 40})
    assert auth(lost, "reseal").exit_code == 1
    assert found(lost) == [("problem", "2 signing keys cannot be decrypted.")]


def test_doctor_finds_nothing_wrong_with_new_and_with_rotated_keys(app: Flask, clock: FixedClock) -> None:
    assert found(app) == [("ok", "There are no signing keys yet: the first token makes them.")]
    signed(app)
    assert found(app)[0][0] == "ok"
    clock.advance(89 * DAY)
    prune(app)
    clock.advance(2 * DAY)
    prune(app)
    assert found(app)[0][0] == "ok"


def test_doctor_warns_of_a_key_that_signs_for_too_long(app: Flask, clock: FixedClock) -> None:
    signed(app)
    clock.advance(92 * DAY)
    assert found(app) == [
        ("warning", f"The key of {alg} signs for longer than SIGNING_KEY_LIFETIME.")
        for alg in ("RS256", "ES256")
    ]


def test_doctor_warns_of_a_key_that_signs_without_a_day_of_publication(app: Flask, clock: FixedClock) -> None:
    signed(app)
    asked(app, "rotate-keys", "--leaked", published(app)[0])
    told: list[Any] = found(app)
    assert told[0][0] == "warning"
    assert "without a day of publication" in told[0][1]
    clock.advance(3600)
    assert found(app)[0][0] == "ok"


def test_doctor_has_the_findings_of_the_keys(app: Flask) -> None:
    signed(app)
    execute(app, "UPDATE signing_keys SET key_id = 'missing'")
    told = auth(app, "doctor").stdout
    assert "2 signing keys cannot be decrypted." in told
    assert len(rows(app, "SELECT kid FROM signing_keys")) == 2
