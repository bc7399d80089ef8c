"""The life of signing keys: published a day before they sign, rotated by prune, erased when they stop."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import jwt
import pytest
from flask import Flask

from auth.admin.account_expiry import Caller
from auth.roles.actors import operator
from models import db
from oauth.keys import lifecycle, rotation
from oauth.stores import signing_keys
from oauth.stores.signing_keys import Key
from tests.conftest import AppFactory
from tests.oauth.keys.test_ring import published, read, signed
from tests.support.requests import prune
from tests.support.service import START, FixedClock, at_once, events, execute, last_event, rows
from utils.services import services

DAY = 24 * 60 * 60
LIFETIME = 90 * DAY


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def fresh(app: Flask, clock: FixedClock, alg: str = "ES256") -> str:
    """Return a token of this moment."""
    now = clock.now().timestamp()
    return signed(app, alg, iat=now, exp=now + 3600)


def private_parts(app: Flask) -> dict[str, bool]:
    found = rows(app, "SELECT kid, sealed_private IS NOT NULL AS has FROM signing_keys")
    return {row["kid"]: bool(row["has"]) for row in found}


@pytest.mark.both_databases
def test_key_is_published_a_day_before_it_signs_and_erased_after(app: Flask, clock: FixedClock) -> None:
    old = kid_of(fresh(app, clock))
    clock.advance(LIFETIME - 2 * DAY - 1)
    prune(app)
    assert len(published(app)) == 2
    clock.advance(1)
    prune(app)
    clock.advance(60)
    (new,) = {*published(app)} - {kid for kid in private_parts(app) if not _is_new(app, kid)} - {_rsa(app)}
    assert kid_of(fresh(app, clock)) == old
    clock.advance(2 * DAY - 61)
    last = fresh(app, clock)
    assert kid_of(last) == old
    clock.advance(1)
    first = fresh(app, clock)
    assert kid_of(first) == new
    assert read(app, last)
    prune(app)
    assert private_parts(app) == {**private_parts(app), old: False, new: True}
    clock.advance(DAY + 3599)
    assert old in published(app)
    clock.advance(1)
    assert old not in published(app)
    clock.advance(DAY)
    prune(app)
    assert old in private_parts(app)
    clock.advance(1)
    prune(app)
    assert old not in private_parts(app)
    assert kid_of(fresh(app, clock)) == new


def _is_new(app: Flask, kid: str) -> bool:
    return bool(rows(app, "SELECT 1 FROM signing_keys WHERE kid = :kid AND predecessor <> ''", kid=kid))


def _rsa(app: Flask) -> str:
    found = rows(app, "SELECT kid FROM signing_keys WHERE alg = 'RS256' AND predecessor <> ''")
    return str(found[0]["kid"])


def test_late_rotation_lengthens_the_life_of_the_present_key(app: Flask, clock: FixedClock) -> None:
    old = kid_of(fresh(app, clock))
    clock.advance(LIFETIME + 30 * DAY)
    assert kid_of(fresh(app, clock)) == old
    assert read(app, fresh(app, clock))
    assert old in published(app)
    prune(app)
    clock.advance(DAY - 1)
    assert kid_of(fresh(app, clock)) == old
    last = fresh(app, clock)
    clock.advance(1)
    assert kid_of(fresh(app, clock)) != old
    prune(app)
    clock.advance(60)
    assert read(app, last)


def test_no_token_is_refused_while_keys_rotate_on_two_machines(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """A verifier that fetches the keys once an hour, just before, knows the key of each token."""
    machines = [make_app(), make_app()]
    fresh(machines[0], clock)
    clock.advance(LIFETIME - 3 * DAY)
    fetched, seen, held = {*published(machines[1])}, set[str](), list[str]()
    for hour in range(5 * 24):
        made = [fresh(machine, clock) for machine in machines]
        seen |= {kid_of(token) for token in made}
        assert {kid_of(token) for token in made} <= fetched, hour
        assert all(read(machine, token) for token in made for machine in machines)
        assert all(read(machine, token, allow_expired=True) for token in held for machine in machines)
        held = made
        fetched = {*published(machines[hour % 2])}
        clock.advance(3600)
        prune(machines[hour % 2])
    assert len(seen) == 2


def test_prune_without_keys_makes_none(app: Flask) -> None:
    prune(app)
    assert not rows(app, "SELECT kid FROM signing_keys")
    assert "keys_rotated" not in events(app)


@pytest.mark.both_databases
def test_concurrent_rotations_publish_one_next_key_of_each_algorithm(
    make_app: AppFactory, clock: FixedClock
) -> None:
    machines = [make_app() for _ in range(4)]
    fresh(machines[0], clock)
    clock.advance(LIFETIME + DAY)

    def rotate(app: Flask) -> int:
        with app.app_context():
            return rotation.rotate_due(services(), Caller(operator().client))

    changed = at_once([partial(rotate, app) for app in machines])
    assert sum(changed) == 2
    assert len(rows(machines[0], "SELECT kid FROM signing_keys")) == 4
    assert events(machines[0]).count("keys_rotated") == 2


def test_rotation_by_the_service_is_recorded_without_an_operator(app: Flask, clock: FixedClock) -> None:
    fresh(app, clock)
    clock.advance(LIFETIME)
    with app.app_context():
        rotation.rotate_due(services(), Caller(operator().client))
    found = last_event(app)
    assert (found["event"], found["operator"]) == ("keys_rotated", None)
    assert found["detail"] in {"RS256 published", "ES256 published"}


def dropped(app: Flask, kid: str) -> Any:
    with app.app_context():
        return rotation.drop_leaked(services(), Caller(operator().client, "op"), kid)


@pytest.mark.both_databases
def test_leaked_key_is_replaced_erased_and_unpublished_at_once(app: Flask, clock: FixedClock) -> None:
    token = fresh(app, clock)
    leaked = kid_of(token)
    assert dropped(app, leaked)
    clock.advance(60)
    new = fresh(app, clock)
    assert kid_of(new) != leaked
    assert leaked not in published(app)
    assert private_parts(app)[leaked] is False
    assert read(app, token) is None
    assert read(app, new)
    assert last_event(app)["detail"] == f"ES256 leaked {leaked}"
    with app.app_context():
        assert signing_keys.leaked_since(db.session(), START) == [(leaked, START)]
        assert not signing_keys.leaked_since(db.session(), START + timedelta(seconds=1))


def test_leaked_key_is_dropped_once_and_an_unknown_one_never(app: Flask, clock: FixedClock) -> None:
    leaked = kid_of(fresh(app, clock))
    assert dropped(app, "A" * 43) is None
    assert dropped(app, leaked)
    assert dropped(app, leaked) is None
    assert len(private_parts(app)) == 3


def test_next_key_takes_the_place_of_a_leaked_one(app: Flask, clock: FixedClock) -> None:
    leaked = kid_of(fresh(app, clock))
    with app.app_context():
        planned = rotation.rotate_now(services(), Caller(operator().client, "op"))
    following = {each.alg: each.kid for each in planned}["ES256"]
    clock.advance(3600)
    dropped(app, leaked)
    clock.advance(60)
    assert kid_of(fresh(app, clock)) == following
    assert len(private_parts(app)) == 4


def test_next_key_that_leaked_is_replaced_and_the_present_one_signs_on(app: Flask, clock: FixedClock) -> None:
    present = kid_of(fresh(app, clock))
    with app.app_context():
        planned = rotation.rotate_now(services(), Caller(operator().client, "op"))
    leaked = {each.alg: each.kid for each in planned}["ES256"]
    clock.advance(DAY / 2)
    dropped(app, leaked)
    clock.advance(DAY - 1)
    assert kid_of(fresh(app, clock)) == present
    clock.advance(1)
    assert kid_of(fresh(app, clock)) not in {present, leaked}


def test_rotation_by_an_operator_signs_in_a_day(app: Flask, clock: FixedClock) -> None:
    old = kid_of(fresh(app, clock))
    with app.app_context():
        caller = Caller(operator().client, "op")
        first = rotation.rotate_now(services(), caller)
        clock.advance(60)
        assert rotation.rotate_now(services(), caller) == first  # it is planned already
    assert {each.signs_from for each in first} == {START + timedelta(days=1)}
    clock.advance(DAY - 61)
    assert kid_of(fresh(app, clock)) == old
    clock.advance(1)
    assert kid_of(fresh(app, clock)) in {each.kid for each in first}


def test_operator_may_hasten_a_planned_key_to_a_day_after_its_publication(
    app: Flask, clock: FixedClock
) -> None:
    fresh(app, clock)
    clock.advance(LIFETIME - 2 * DAY)
    prune(app)
    clock.advance(DAY / 2)
    with app.app_context():
        planned = rotation.rotate_now(services(), Caller(operator().client, "op"))
    assert {each.signs_from for each in planned} == {clock.now() + timedelta(days=0.5)}


def key(kid: str, alg: str = "ES256", **changes: Any) -> Key:
    ends = START + timedelta(days=90)
    made = Key(kid, alg, {}, b"x", "id", "", START, START, ends, ends + timedelta(days=1), None)
    return made._replace(**changes)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def test_states_of_keys() -> None:
    old, now, then = (
        key("old", signs_from=at(-90)),
        key("now", predecessor="old"),
        key("then", predecessor="now", signs_from=at(1)),
    )
    gone = key("gone", leaked_at=START, sealed_private=None)
    keys = [then, gone, old, now]
    told = {each.kid: lifecycle.state(each, keys, START) for each in keys}
    assert told == {"then": "next", "gone": "leaked", "old": "former", "now": "present"}
    assert [each.kid for each in lifecycle.signing_order(keys, "ES256", START)] == ["now", "old", "then"]
    assert [each.kid for each in lifecycle.superseded(keys, "ES256", START)] == ["old"]
    assert not lifecycle.signing_order(keys, "RS256", START)


def test_key_is_published_while_it_may_sign_and_until_its_tokens_have_ended() -> None:
    assert lifecycle.is_published(key("late"), at(500))
    former = key("former", sealed_private=None, published_until=at(2))
    assert lifecycle.is_published(former, at(1.9))
    assert not lifecycle.is_published(former, at(2))
    assert not lifecycle.is_published(key("leaked", leaked_at=START), START)


def test_without_a_key_that_signs_already_the_next_one_signs() -> None:
    later, sooner = key("later", signs_from=at(2)), key("sooner", signs_from=at(1))
    assert lifecycle.signing_order([later, sooner], "ES256", START)[0].kid == "sooner"


def test_key_with_a_private_part_is_never_deleted(app: Flask, clock: FixedClock) -> None:
    fresh(app, clock)
    execute(app, "UPDATE signing_keys SET published_until = '2000-01-01 00:00:00'")
    with app.app_context():
        assert signing_keys.prune(db.session(), START, 10) == 0
