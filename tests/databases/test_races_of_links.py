"""Concurrent uses of links, logins and revocations: one wins, and what was revoked stays revoked."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.interleaving import interleaved_at
from tests.support.interleavings import (
    anything,
    blocked,
    change,
    disown,
    erasure,
    forgot,
    forgot_at_erasure,
    is_erased,
    is_restored_or_erased,
    logout,
    move,
    move_again,
    move_confirmed,
    old_password_is_revoked,
    one_password,
    one_succeeds,
    opens,
    other_reset,
    out,
    reauth,
    registration,
    reject,
    renewal,
    request_deletion,
    resend,
    reset,
    reset_and_undone,
    reset_confirmed,
    restore,
    sign_in,
    still_reserved,
    undo,
    verify,
)
from tests.support.mailbox import delivered, mailed, template_of
from tests.support.members import Action, Member
from tests.support.requests import confirm_addresses
from tests.support.service import PASSWORD, at_once, events, register, rows
from utils.passwords.hashing import PasswordHasher

pytestmark = pytest.mark.both_databases(slow=True)


def codes(answers: list[TestResponse]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def living(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT id FROM sessions WHERE ended_at IS NULL")


# Many at once


@pytest.mark.both_databases
def test_concurrent_uses_of_a_reset_link_succeed_once(app: Flask) -> None:
    ada = Member(app)
    token = ada.forgot()
    passwords = [f"password number {number}" for number in range(16)]
    answers = at_once([ada.with_token("password/reset", token, password=one) for one in passwords])
    assert codes(answers) == {200: 1, 410: 15}
    assert events(app).count("password_reset") == 1
    assert living(app) == []
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert opens(ada, PASSWORD, *passwords) == [passwords[winner]]


@pytest.mark.parametrize("path", ["email/verify", "email/reject", "sessions/disown"])
def test_concurrent_uses_of_a_link_succeed_once(app: Flask, path: str) -> None:
    ada = Member(app)
    token = ada.disowning if path == "sessions/disown" else ada.verification
    body = {"password": PASSWORD} if path == "email/verify" else {}
    answers = at_once([ada.with_token(path, token, **body) for _ in range(16)])
    assert answers[0].status_code in {200, 404, 410}
    assert codes(answers)[200] == 1
    assert set(codes(answers)) <= {200, 404, 410}
    words = {"email/verify": "email_verified", "email/reject": "registration_rejected"}
    assert events(app).count(words.get(path, "sign_in_disowned")) == 1


@pytest.mark.parametrize("address", ["ada@example.com", "unknown@example.com"])
def test_concurrent_forgot_requests_send_three_mails(app: Flask, address: str) -> None:
    Member(app)
    confirm_addresses(app)
    call = partial(app.test_client().post, "/auth/password/forgot", json={"email": address})
    assert codes(at_once([call] * 16)) == {202: 16}
    assert [template_of(mail) for mail in delivered(app)] == ["reset_password"] * (
        3 * address.startswith("ada")
    )


def test_concurrent_changes_to_one_address_succeed_once(app: Flask) -> None:
    for attempt in range(4):
        movers = [Member(app, f"{name}-{attempt}") for name in ("ada", "grace")]
        wanted = f"wanted-{attempt}@example.com"
        tokens = [mover.change_address(wanted) for mover in movers]
        calls = [
            mover.with_token("email/verify", token, password=PASSWORD)
            for mover, token in zip(movers, tokens, strict=True)
        ]
        assert codes(at_once(calls)) == {200: 1, 409: 1}
        assert len(rows(app, "SELECT id FROM users WHERE email = :email", email=wanted)) == 1


@pytest.mark.parametrize("pause", ["hash", "move"])
def test_address_being_given_up_cannot_be_registered(make_app: AppFactory, pause: str) -> None:
    """While the attacker's password is hashed, and by twelve concurrent registrations during the change."""
    app = make_app()
    ada = Member(app)
    confirm_addresses(app)  # an unconfirmed one is not reserved
    moving = move(ada)

    class Slow(PasswordHasher):
        def hash(self, password: str) -> str:
            if pause == "hash":
                assert moving().status_code == 200
            return super().hash(password)

    thief = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"}, hasher=Slow("scrypt:256:8:1"))
    calls: list[Action] = [
        partial(register, thief.test_client(), f"thief-{n}", email=ada.address) for n in range(12)
    ]
    answers = [calls[0]()] if pause == "hash" else at_once([moving, *calls])[1:]
    assert set(codes(answers)) == {202}
    assert rows(app, "SELECT id FROM users WHERE email = :email", email=ada.address) == []
    undo = ada.with_token("email/change/undo", mailed(app, "email_changed"))
    assert undo().status_code == 200
    (owner,) = rows(app, "SELECT username FROM users WHERE email = :email", email=ada.address)
    assert owner == {"username": ada.name}


# Two calls interleaved at every statement of either

Check = Callable[[Member, TestResponse, TestResponse], None]
INTERLEAVINGS: dict[str, tuple[Callable[[Member], Action], Callable[[Member], Action], Check]] = {
    "reset, login": (reset, sign_in, old_password_is_revoked),
    "reset, another reset": (reset_confirmed, other_reset, one_password),
    "reset, refresh": (reset, renewal, out),
    "reset, change of password": (reset, change, anything),
    "delete, refresh": (request_deletion, renewal, out),
    "delete, login": (request_deletion, sign_in, out),
    "delete, change of password": (request_deletion, change, anything),
    "delete, forgot": (request_deletion, forgot, out),
    "verify, reject": (verify, reject, one_succeeds),
    "verify, verify": (verify, verify, one_succeeds),
    "move, move": (move, move_again, one_succeeds),
    "move, registration": (move_confirmed, registration, still_reserved),
    "undo, reset": (undo, reset, reset_and_undone),
    "undo, login": (undo, sign_in, blocked),
    "undo, refresh": (undo, renewal, blocked),
    "undo, logout": (undo, logout, blocked),
    "disown, login": (disown, sign_in, blocked),
    "disown, refresh": (disown, renewal, blocked),
    "disown, reset": (disown, reset, anything),
    "disown, reauth": (disown, reauth, blocked),
    "reject, login": (reject, sign_in, is_erased),
    "reject, refresh": (reject, renewal, is_erased),
    "reject, logout": (reject, logout, is_erased),
    "reject, forgot": (reject, forgot, is_erased),
    "reject, resend": (reject, resend, is_erased),
    "reject, verify of a session": (reject, reauth, is_erased),
    "reject, reject": (reject, reject, is_erased),
    "restore, erasure": (restore, erasure, is_restored_or_erased),
    "forgot, erasure": (forgot_at_erasure, erasure, anything),
}
# Pairs that failed once or whose failure would be worst run in every run or in `make check`;
# all others in `make nightly`.
ALWAYS = {("delete, refresh", True)}
IN_CHECK = {
    ("reset, login", True),
    ("delete, refresh", True),
    ("verify, reject", False),
    ("undo, refresh", True),
}


def in_both_orders() -> Iterator[Any]:
    for name in INTERLEAVINGS:
        for is_swapped in (False, True):
            pair = (name, is_swapped)
            mark = pytest.mark.slow if pair in IN_CHECK else pytest.mark.nightly
            marks = [] if pair in ALWAYS else [mark]
            yield pytest.param(name, is_swapped, marks=marks, id=f"{name}{', swapped' * is_swapped}")


@pytest.mark.parametrize(("name", "is_swapped"), [*in_both_orders()])
def test_two_calls_interleaved_at_every_statement(app: Flask, name: str, is_swapped: bool) -> None:
    """The second call runs before each statement of the first: no 500, no deadlock, no access left."""
    prepare_one, prepare_other, check = INTERLEAVINGS[name]
    for number in range(1, 60):
        ada = Member(app, f"ada-{number}")
        calls = [prepare_one(ada), prepare_other(ada)]
        answers: dict[int, TestResponse] = {}

        def second(calls: list[Action] = calls, answers: dict[int, TestResponse] = answers) -> None:
            answers[not is_swapped] = calls[not is_swapped]()

        with interleaved_at(app, number, second) as asked:
            answers[is_swapped] = calls[is_swapped]()
        if len(asked) < number:
            break
        bodies = [answer.get_data(as_text=True) for answer in answers.values()]
        assert all(answer.status_code < 500 for answer in answers.values()), (asked[number - 1], bodies)
        check(ada, answers[0], answers[1])
    assert number > 3
