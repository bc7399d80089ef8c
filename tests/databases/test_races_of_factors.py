"""Concurrent factor changes: the factors and the account's record of them agree in every order."""

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.authenticator_app import Authenticator, Owner
from tests.support.interleaving import interleaved_at
from tests.support.passkeys import ASKED, added
from tests.support.requests import post, said
from tests.support.service import FixedClock, at_once, bearer, events, login, me, rows, signed_in
from tests.support.soft_passkey import SoftPasskey

pytestmark = pytest.mark.both_databases(slow=True)

Call = Callable[[], tuple[int, str]]
ROUNDS = 4  # repetitions of an uncontrolled race


def has_factors(app: Flask, name: str = "ada") -> bool:
    """Return whether the account has a factor; assert that everything it reports agrees."""
    (user,) = rows(app, "SELECT * FROM users WHERE username = :name", name=name)
    mine = {"id": user["id"]}
    apps = rows(app, "SELECT 1 FROM totp_factors WHERE user_id = :id AND confirmed_at IS NOT NULL", **mine)
    passkeys = rows(app, "SELECT 1 FROM passkeys WHERE user_id = :id", **mine)
    codes = rows(app, "SELECT 1 FROM recovery_codes WHERE user_id = :id AND used_at IS NULL", **mine)
    found = bool(apps or passkeys)
    assert (user["two_factor_at"] is not None) is found
    assert len(codes) == user["recovery_codes_left"] == 10 * found
    assert said(login(app.test_client(), name)) == (ASKED if found else (200, ""))
    return found


def confirmation(app: Flask, access: str, code: str) -> Call:
    return lambda: said(post(app.test_client(), "totp/confirm", access, code=code))


def removal(app: Flask, access: str, code: str) -> Call:
    headers = bearer(access)
    return lambda: said(app.test_client().delete("/auth/totp", json={"code": code}, headers=headers))


def passkey_removal(app: Flask, access: str, path: str) -> Call:
    return lambda: said(app.test_client().delete(path, headers=bearer(access)))


class TotpEnrollment:
    """An account about to enable TOTP, with two sessions."""

    def __init__(self, app: Flask, clock: FixedClock, name: str) -> None:
        client = app.test_client()
        self.other = signed_in(client, name)["access_token"]
        self.access = login(client, name).get_json()["access_token"]
        self.phone = Authenticator(post(client, "totp", self.access).get_json()["secret"], clock)

    def enable_and_disable(self, app: Flask, *, by_other: bool = False) -> list[Call]:
        """Enable with the previous step's code and disable with the current one; both codes are correct."""
        remover = self.other if by_other else self.access
        return [
            confirmation(app, self.access, self.phone.code(-1)),
            removal(app, remover, self.phone.code()),
        ]


def assert_consistent(
    app: Flask, name: str, begun: TotpEnrollment, on: tuple[int, str], off: tuple[int, str]
) -> None:
    assert on == (200, "")
    is_on = has_factors(app, name)
    assert is_on is (off != (200, ""))
    assert me(app.test_client(), begun.other).status_code == 401
    assert me(app.test_client(), begun.access).status_code == 200


@pytest.mark.parametrize(
    "is_swapped",
    [
        pytest.param(False, marks=pytest.mark.nightly, id="on first"),
        pytest.param(True, marks=pytest.mark.slow, id="off first"),
    ],
)
@pytest.mark.parametrize("by_other", [False, True], ids=["same session", "another session"])
def test_enable_and_disable_totp_interleaved_at_every_statement(
    app: Flask, clock: FixedClock, is_swapped: bool, by_other: bool
) -> None:
    for number in range(1, 60):
        begun = TotpEnrollment(app, clock, f"ada-{number}")
        calls, answers = begun.enable_and_disable(app, by_other=by_other), dict[int, tuple[int, str]]()

        def second(calls: list[Call] = calls, answers: dict[int, tuple[int, str]] = answers) -> None:
            answers[not is_swapped] = calls[not is_swapped]()

        with interleaved_at(app, number, second) as asked:
            answers[is_swapped] = calls[is_swapped]()
        if len(asked) < number:
            break
        refused = (401, "token_invalid") if by_other else (200, "")
        assert answers[1] in {(409, "two_factor_off"), refused}, asked[number - 1]
        assert_consistent(app, f"ada-{number}", begun, answers[0], answers[1])
    assert number > 2


def test_concurrent_enable_and_disable_totp(app: Flask, clock: FixedClock) -> None:
    for attempt in range(ROUNDS):
        begun = TotpEnrollment(app, clock, f"ada-{attempt}")
        on, off = at_once(begun.enable_and_disable(app))
        assert off in {(409, "two_factor_off"), (200, "")}
        assert_consistent(app, f"ada-{attempt}", begun, on, off)


@pytest.mark.both_databases
def test_concurrent_totp_confirmations_issue_one_set_of_codes(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    begun = TotpEnrollment(app, clock, "ada")
    code = begun.phone.code()
    confirm = partial(post, path="totp/confirm", access=begun.access, code=code)
    answers = at_once([lambda: confirm(app.test_client()) for _ in range(6)])
    assert sorted(map(said, answers)) == [(200, "")] + [(409, "totp_enabled")] * 5
    (codes,) = [answer.get_json()["recovery_codes"] for answer in answers if answer.status_code == 200]
    assert has_factors(app)
    assert events(app).count("totp_enabled") == 1
    challenge = login(client).get_json()["challenge_token"]
    done = post(client, "login/second-factor", challenge_token=challenge, recovery_code=codes[-1])
    assert done.status_code == 200


def test_concurrent_removal_of_the_last_two_passkeys(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for _ in range(ROUNDS):
        for _ in range(2):
            added(client, access)
        listed = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
        paths = [f"/auth/passkeys/{each['id']}" for each in listed]
        assert at_once([passkey_removal(app, access, path) for path in paths]) == [(204, "")] * 2
        assert not has_factors(app)


def test_concurrent_removal_of_one_passkey_succeeds_once(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    added(client, access)
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    path = f"/auth/passkeys/{only['id']}"
    answers = at_once([passkey_removal(app, access, path)] * 4)
    assert sorted(answers) == [(204, "")] + [(404, "passkey_not_found")] * 3
    assert not has_factors(app)


def test_concurrent_first_passkeys_add_one_with_one_set_of_codes(app: Flask) -> None:
    """The refused one has the user handle of an account without passkeys; it can be retried."""
    for attempt in range(ROUNDS):
        name, client = f"ada-{attempt}", app.test_client()
        access = signed_in(client, name)["access_token"]
        options = [post(client, "passkeys/options", access).get_json()["public_key"] for _ in range(2)]
        made = [SoftPasskey().create(each) for each in options]
        answers = at_once(
            [partial(post, app.test_client(), "passkeys", access, credential=one) for one in made]
        )
        assert sorted(map(said, answers)) == [(201, ""), (400, "passkey_refused")]
        assert sorted(len(answer.get_json().get("recovery_codes", [])) for answer in answers) == [0, 10]
        assert has_factors(app, name)
        added(client, access)
        listed = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
        assert len(listed) == 2


def test_concurrent_removal_of_totp_and_last_passkey(app: Flask, clock: FixedClock) -> None:
    """The later of the two removals also removes the recovery codes."""
    for attempt in range(ROUNDS):
        name = f"ada-{attempt}"
        owner = Owner(app.test_client(), clock, name)
        added(owner.client, owner.access)
        (only,) = owner.client.get("/auth/passkeys", headers=bearer(owner.access)).get_json()["passkeys"]
        path, code = f"/auth/passkeys/{only['id']}", owner.phone.next_code()
        answers = at_once([removal(app, owner.access, code), passkey_removal(app, owner.access, path)])
        assert answers == [(200, ""), (204, "")]
        assert not has_factors(app, name)
