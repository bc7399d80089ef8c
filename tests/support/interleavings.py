"""Pairs of concurrent calls on an account, and what must hold afterwards in either order."""

from functools import partial
from typing import Any

from flask import Response
from werkzeug.test import TestResponse

from auth.admin import pruning
from auth.roles.actors import Operator
from tests.support.mailbox import mailed
from tests.support.members import NEW, Action, Member
from tests.support.requests import confirm_addresses
from tests.support.service import PASSWORD, execute, login, me, refresh, register, rows
from utils.client_info import ClientInfo

OTHER = "another long one"
OPERATOR = Operator("tester", ClientInfo(address=None, user_agent="", request_id=""))


def opens(member: Member, *passwords: str) -> list[str]:
    """Return which of these passwords can log in."""
    return [word for word in passwords if login(member.client, member.name, word).status_code == 200]


# The calls: each is prepared, and returned to be made


def reset(ada: Member) -> Action:
    return ada.with_token("password/reset", ada.forgot(), password=NEW)


def reset_confirmed(ada: Member) -> Action:
    """Reset at a confirmed address, which gets further mails: an unproven one gets three an hour."""
    confirm_addresses(ada.app)
    return reset(ada)


def other_reset(ada: Member) -> Action:
    return ada.with_token("password/reset", ada.forgot(), password=OTHER)


def sign_in(ada: Member) -> Action:
    client = ada.app.test_client()
    return lambda: login(client, ada.name)


def renewal(ada: Member) -> Action:
    client = ada.app.test_client()
    return lambda: refresh(client, ada.refreshing)


def logout(ada: Member) -> Action:
    client = ada.app.test_client()
    return lambda: client.post("/auth/logout", json={"refresh_token": ada.refreshing})


def verify(ada: Member) -> Action:
    return ada.with_token("email/verify", ada.verification, password=PASSWORD)


def reject(ada: Member) -> Action:
    return ada.with_token("email/reject", ada.verification)


def disown(ada: Member) -> Action:
    return ada.with_token("sessions/disown", ada.disowning)


def undo(ada: Member) -> Action:
    """Undo by the owner, after an intruder changed the account's address."""
    token, ada.address = ada.move(f"new-{ada.name}@example.com"), f"new-{ada.name}@example.com"
    return ada.with_token("email/change/undo", token)


def move(ada: Member) -> Action:
    token = ada.change_address(f"new-{ada.name}@example.com")
    return ada.with_token("email/verify", token, password=PASSWORD)


def move_confirmed(ada: Member) -> Action:
    """Move from a confirmed address, which stays reserved."""
    confirm_addresses(ada.app)
    return move(ada)


def move_again(ada: Member) -> Action:
    """Confirm another address whose link was mailed at the same time."""
    token = ada.change_address(f"other-{ada.name}@example.com")
    return ada.with_token("email/verify", token, password=PASSWORD)


def forgot(ada: Member) -> Action:
    return partial(ada.post, "password/forgot", email=ada.address)


def resend(ada: Member) -> Action:
    return partial(ada.post, "email/resend", email=ada.address)


def change(ada: Member) -> Action:
    return partial(ada.post, "password/change", current_password=PASSWORD, new_password=NEW)


def reauth(ada: Member) -> Action:
    return partial(ada.post, "reauth", password=PASSWORD)


def prune(ada: Member) -> Any:
    with ada.app.app_context():
        pruning.prune(ada.app.extensions["auth_services"], OPERATOR)
    return Response(status=204)


def request_deletion(ada: Member) -> Action:
    return ada.request_deletion


def restore(ada: Member) -> Action:
    """Restore an account whose erasure is due now, with a link that is still valid."""
    token = ada.pending_deletion()
    execute(ada.app, "UPDATE users SET deletion_due_at = created_at WHERE username = :name", name=ada.name)
    return ada.with_token("me/restore", token)


def forgot_at_erasure(ada: Member) -> Action:
    """Request a reset at the moment of the erasure."""
    restore(ada)
    return forgot(ada)


def rename(ada: Member) -> Action:
    return ada.rename


def registration(ada: Member) -> Action:
    address, client = f"{ada.name}@example.com", ada.app.test_client()
    return lambda: register(client, f"thief-of-{ada.name}", email=address)


def erasure(ada: Member) -> Action:
    return partial(prune, ada)


# What is true afterwards


def one_succeeds(_: Member, first: TestResponse, second: TestResponse) -> None:
    assert (first.status_code < 300) + (second.status_code < 300) == 1


def no_access_is_left(ada: Member, *pairs: TestResponse) -> None:
    """Assert that every token ever issued to the account is refused."""
    given = [answer.get_json() for answer in pairs if "access_token" in answer.get_data(as_text=True)]
    for pair in [{"access_token": ada.access, "refresh_token": ada.refreshing}, *given]:
        assert me(ada.client, pair["access_token"]).status_code == 401
        if "refresh_token" in pair:
            assert refresh(ada.client, pair["refresh_token"]).status_code == 401


def is_restored_or_erased(ada: Member, restored: TestResponse, erased: TestResponse) -> None:
    left = rows(ada.app, "SELECT deletion_due_at FROM users WHERE username = :name", name=ada.name)
    assert left == ([{"deletion_due_at": None}] if restored.status_code == 200 else []), erased


def still_reserved(ada: Member, moved: TestResponse, taken: TestResponse) -> None:
    assert (moved.status_code, taken.status_code) == (200, 409)
    undo = ada.with_token("email/change/undo", mailed(ada.app, "email_changed"))
    assert undo().status_code == 200


def blocked(ada: Member, *answers: TestResponse) -> None:
    """Assert that login is blocked until a reset, which works."""
    no_access_is_left(ada, *answers)
    assert opens(ada, PASSWORD, NEW) == []
    reset = ada.with_token("password/reset", mailed(ada.app, "password_blocked"), password=OTHER)
    assert reset().status_code == 200
    assert opens(ada, OTHER) == [OTHER]


def reset_and_undone(ada: Member, undone: TestResponse, _reset: TestResponse) -> None:
    assert undone.status_code == 200
    blocked(ada)


def old_password_is_revoked(ada: Member, _reset: TestResponse, signed_in: TestResponse) -> None:
    """Assert that every session of the old password has ended, and that it is refused."""
    no_access_is_left(ada, signed_in)
    assert opens(ada, PASSWORD, NEW) == [NEW]


def one_password(ada: Member, first: TestResponse, second: TestResponse) -> None:
    one_succeeds(ada, first, second)
    assert opens(ada, NEW, OTHER) == [NEW if first.status_code == 200 else OTHER]


def is_erased(ada: Member, *answers: TestResponse) -> None:
    no_access_is_left(ada, *answers)
    assert rows(ada.app, "SELECT id FROM users WHERE username = :name", name=ada.name) == []


def out(ada: Member, *answers: TestResponse) -> None:
    no_access_is_left(ada, *answers)
    assert opens(ada, PASSWORD) == []


def anything(*_: object) -> None:
    pass
