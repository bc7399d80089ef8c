"""Account states against account uses, as a function and as SQL."""

from datetime import UTC, datetime
from itertools import product

import pytest
from sqlalchemy import create_engine, insert, select

from auth.account_state import REFUSED_IN, AccountState, Use, refusal, states_of
from auth.events import Refusal
from auth.stores.account_state import clause, in_state
from models import Account, User

pytestmark = pytest.mark.both_databases

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("disabled_at", "deletion_due_at", "password_blocked_at", "email_verified_at")
COMBINATIONS = list(product([None, MOMENT], repeat=len(STATES)))
# The account states (disabled, leaving, blocked) that refuse each use. A change here is a
# change of behaviour.
PINNED = {
    Use.LOG_IN: "dlb",
    Use.COMPLETE_LOGIN: "dlb",
    Use.REFRESH: "d",
    Use.CALL_WITH_SESSION: "d",
    Use.CALL_WITHOUT_SESSION: "dl",
    Use.CALL_WITH_API_TOKEN: "dlb",
    Use.CALL_WITH_APP: "dlb",
    Use.PROVE_PASSWORD: "b",
    Use.RESET_PASSWORD: "d",
    Use.RESEND_CONFIRMATION: "dl",
    Use.WARN_OF_BRUTE_FORCE: "dl",
    Use.APPLY_FACTOR_RESET: "dlb",
    Use.ISSUE_TOKEN: "dl",
    Use.BEGIN_FACTOR_RESET: "dl",
    Use.LOCK_OUT: "d",
    Use.CONFIRM_ADDRESS: "dl",
    Use.CHANGE_ADDRESS: "dlb",
    Use.ADMINISTER: "dl",
}
LETTERS = {Refusal.DISABLED: "d", Refusal.LEAVING: "l", Refusal.PASSWORD_BLOCKED: "b"}


def account(states: tuple[datetime | None, ...]) -> Account:
    # The rules read the states only: the other columns are None, whatever their types are.
    values = dict.fromkeys(Account._fields, None) | dict(zip(STATES, states, strict=True))
    return Account(**values | {"email": "e"})  # type: ignore[arg-type]


@pytest.mark.parametrize("use", Use)
def test_refused_states_of_each_use_are_pinned(use: Use) -> None:
    assert "".join(LETTERS[state] for state in REFUSED_IN[use]) == PINNED[use]


@pytest.mark.parametrize("use", Use)
def test_first_matching_state_is_the_refusal(use: Use) -> None:
    for states in COMBINATIONS:
        found = refusal(account(states), use)
        is_set = dict(zip("dlb", states[:3], strict=True))
        assert (LETTERS[found] if found else None) == next((s for s in PINNED[use] if is_set[s]), None)


def test_unconfirmed_address_refuses_last_and_only_where_required() -> None:
    unconfirmed, disabled = account((None, None, None, None)), account((MOMENT, None, None, None))
    assert refusal(unconfirmed, Use.LOG_IN) is None
    assert refusal(unconfirmed, Use.LOG_IN, confirmed_only=True) is Refusal.EMAIL_NOT_VERIFIED
    assert refusal(disabled, Use.LOG_IN, confirmed_only=True) is Refusal.DISABLED


def test_sql_clause_agrees_with_the_function(database_uri: str) -> None:
    engine = create_engine(database_uri)
    with engine.begin() as connection:
        for number, states in enumerate(COMBINATIONS, start=1):
            names = {
                "username": f"u{number}",
                "username_key": f"u{number}",
                "email": f"e{number}",
                "email_key": f"e{number}",
            }
            times = {"created_at": MOMENT, "tokens_valid_after": MOMENT} | dict(
                zip(STATES, states, strict=True)
            )
            connection.execute(insert(User).values(id=number, **names, **times))
        for number, states in enumerate(COMBINATIONS, start=1):
            found = {
                s
                for s in AccountState
                if connection.scalar(select(User.id).where(*in_state(s), User.id == number))
            }
            assert found == {*states_of(account(states))}, states
        for use in Use:
            admitted = set(connection.scalars(select(User.id).where(*clause(use))))
            expected = {n for n, s in enumerate(COMBINATIONS, start=1) if refusal(account(s), use) is None}
            assert admitted == expected, use
    engine.dispose()
