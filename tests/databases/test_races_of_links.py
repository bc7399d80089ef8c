"""Links, sign-ins and endings that meet: whatever the order, one wins, and what was ended stays ended."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.interleaving import met_at
from tests.support.interleavings import (
    anything,
    blocked,
    change,
    disown,
    either_stays_or_goes,
    erasure,
    forgot,
    forgotten,
    gone,
    leave,
    logout,
    move,
    move_again,
    one_password,
    one_wins,
    opens,
    other_reset,
    out,
    out_with_the_old,
    reauth,
    registration,
    reject,
    renewal,
    resend,
    reset,
    reset_and_undone,
    restore,
    sign_in,
    still_reserved,
    undo,
    verify,
)
from tests.support.mailbox import delivered, mailed, template_of
from tests.support.members import Action, Member
from tests.support.service import PASSWORD, at_once, events, register, rows
from utils.passwords.hashing import PasswordHasher

pytestmark = pytest.mark.both_databases


def codes(answers: list[TestResponse]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def living(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT id FROM sessions WHERE ended_at IS NULL")


# Many at once


def test_of_sixteen_uses_of_a_reset_link_one_wins(app: Flask) -> None:
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
def test_of_sixteen_uses_of_a_link_one_wins(app: Flask, path: str) -> None:
    ada = Member(app)
    token = ada.disowning if path == "sessions/disown" else ada.verification
    body = {"password": PASSWORD} if path == "email/verify" else {}
    answers = at_once([ada.with_token(path, token, **body) for _ in range(16)])
    assert answers[0].status_code in {200, 404, 410}
    assert codes(answers)[200] == 1
    assert set(codes(answers)) <= {200, 404, 410}
    words = {"email/verify": "email_verified", "email/reject": "registration_rejected"}
    assert events(app).count(words.get(path, "sign_in_disowned")) == 1


@pytest.mark.parametrize("address", ["ada@example.com", "nobody@example.com"])
def test_sixteen_who_forgot_at_once_get_three_mails(app: Flask, address: str) -> None:
    Member(app)
    call = partial(app.test_client().post, "/auth/password/forgot", json={"email": address})
    assert codes(at_once([call] * 16)) == {202: 16}
    assert [template_of(mail) for mail in delivered(app)] == ["reset_password"] * (
        3 * address.startswith("ada")
    )


def test_of_two_who_move_to_one_address_one_gets_it(app: Flask) -> None:
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
def test_an_address_that_is_given_up_is_not_registered_in_that_moment(
    make_app: AppFactory, pause: str
) -> None:
    """While the thief's password is hashed; and by twelve thieves while its owner moves away."""
    app = make_app()
    ada = Member(app)
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


# Two that meet at every statement of either

Check = Callable[[Member, TestResponse, TestResponse], None]
MEETINGS: dict[str, tuple[Callable[[Member], Action], Callable[[Member], Action], Check]] = {
    "reset, login": (reset, sign_in, out_with_the_old),
    "reset, another reset": (reset, other_reset, one_password),
    "reset, refresh": (reset, renewal, out),
    "reset, change of password": (reset, change, anything),
    "delete, refresh": (leave, renewal, out),
    "delete, login": (leave, sign_in, out),
    "delete, change of password": (leave, change, anything),
    "delete, forgot": (leave, forgot, out),
    "verify, reject": (verify, reject, one_wins),
    "verify, verify": (verify, verify, one_wins),
    "move, move": (move, move_again, one_wins),
    "move, registration": (move, registration, still_reserved),
    "undo, reset": (undo, reset, reset_and_undone),
    "undo, login": (undo, sign_in, blocked),
    "undo, refresh": (undo, renewal, blocked),
    "undo, logout": (undo, logout, blocked),
    "disown, login": (disown, sign_in, blocked),
    "disown, refresh": (disown, renewal, blocked),
    "disown, reset": (disown, reset, anything),
    "disown, reauth": (disown, reauth, blocked),
    "reject, login": (reject, sign_in, gone),
    "reject, refresh": (reject, renewal, gone),
    "reject, logout": (reject, logout, gone),
    "reject, forgot": (reject, forgot, gone),
    "reject, resend": (reject, resend, gone),
    "reject, verify of a session": (reject, reauth, gone),
    "reject, reject": (reject, reject, gone),
    "restore, erasure": (restore, erasure, either_stays_or_goes),
    "forgot, erasure": (forgotten, erasure, anything),
}
# Those that went wrong once, or would cost most; `make check` has all of them, in both orders.
# In every run; the pairs of `IN_CHECK` in `make check`, all others in `make nightly`.
ALWAYS = {("verify, reject", False), ("delete, refresh", True), ("undo, refresh", True)}
IN_CHECK = {
    ("reset, login", True),
    ("delete, refresh", True),
    ("verify, reject", False),
    ("move, registration", True),
    ("undo, reset", False),
    ("undo, refresh", True),
    ("disown, login", True),
    ("reject, logout", True),
    ("reject, forgot", True),
    ("restore, erasure", False),
}


def in_both_orders() -> Iterator[Any]:
    for name in MEETINGS:
        for is_swapped in (False, True):
            pair = (name, is_swapped)
            mark = pytest.mark.slow if pair in IN_CHECK else pytest.mark.nightly
            marks = [] if pair in ALWAYS else [mark]
            yield pytest.param(name, is_swapped, marks=marks, id=f"{name}{', swapped' * is_swapped}")


@pytest.mark.parametrize(("name", "is_swapped"), [*in_both_orders()])
def test_two_that_meet_at_any_statement_both_end_well(app: Flask, name: str, is_swapped: bool) -> None:
    """The second comes before each statement of the first in turn: no 500, no deadlock, nothing left open."""
    prepare_one, prepare_other, check = MEETINGS[name]
    for number in range(1, 60):
        ada = Member(app, f"ada-{number}")
        calls = [prepare_one(ada), prepare_other(ada)]
        answers: dict[int, TestResponse] = {}

        def second(calls: list[Action] = calls, answers: dict[int, TestResponse] = answers) -> None:
            answers[not is_swapped] = calls[not is_swapped]()

        with met_at(app, number, second) as asked:
            answers[is_swapped] = calls[is_swapped]()
        if len(asked) < number:
            break
        bodies = [answer.get_data(as_text=True) for answer in answers.values()]
        assert all(answer.status_code < 500 for answer in answers.values()), (asked[number - 1], bodies)
        check(ada, answers[0], answers[1])
    assert number > 3
