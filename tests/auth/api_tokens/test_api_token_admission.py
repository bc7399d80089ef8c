"""Which calls an API token opens: by its own permissions, and those that its owner has at that time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from auth.stores import api_tokens
from models import iso
from tests.conftest import AppFactory
from tests.support.api_tokens import READ, created, give, listed, owned, status, take, verify
from tests.support.authenticator_app import Owner
from tests.support.requests import DAY, MINUTE, asked, said
from tests.support.service import FixedClock, at_once, bearer, execute, login, me, rows, signed_in
from utils.auth_helpers import requires
from utils.database.reads import Reads
from utils.services import services


@pytest.fixture
def token(app: Flask) -> str:
    """Return an API token with `READ` of an owner who has it."""
    return owned(app)


def test_token_opens_views_that_ask_for_its_permission(make_app: AppFactory) -> None:
    app = make_app()
    seen: list[Any] = []

    @requires(READ)
    def reports() -> str:
        seen.append((g.principal.user_id, g.principal.session_id, g.principal.permissions))
        return "reports"

    app.add_url_rule("/reports", view_func=reports)
    token = owned(app)
    give(app, "invoices:send", role="sender")
    assert app.test_client().get("/reports", headers=bearer(token)).get_data(as_text=True) == "reports"
    assert seen == [(1, None, frozenset({READ}))]  # not all that the owner may do
    answer = verify(app, token, READ)
    assert (answer.status_code, answer.headers["X-Auth-User-Id"]) == (204, "1")
    assert said(verify(app, token, "invoices:send")) == (403, "permission_missing")
    assert said(verify(app, token, READ, "invoices:send")) == (403, "permission_missing")
    assert status(app, token, "reports:read-all") == status(app, token, "reports:rea") == 403


def test_token_is_refused_where_no_permission_is_asked_for(app: Flask, token: str) -> None:
    client = app.test_client()
    for path in ("me", "sessions", "tokens", "passkeys", "me/activity", "me/export", "verify"):
        assert said(client.get(f"/auth/{path}", headers=bearer(token))) == (403, "session_required")
    for path in ("tokens", "reauth", "sessions/revoke-others", "totp", "password/change"):
        answer = client.post(f"/auth/{path}", json={"name": "x"}, headers=bearer(token))
        assert said(answer) == (403, "session_required")
    assert said(client.delete("/auth/me", headers=bearer(token))) == (403, "session_required")
    assert client.post("/auth/logout", headers=bearer(token)).status_code == 204
    assert status(app, token) == 204


@pytest.mark.parametrize("query", ["permission=", "permission=Reports", "x=1", "permission=a:b&x=1"])
def test_faulty_question_about_a_token_is_refused(app: Flask, token: str, query: str) -> None:
    answer = app.test_client().get(f"/auth/verify?{query}", headers=bearer(token))
    assert said(answer) == (403, "permission_missing")


@pytest.mark.both_databases
def test_admission_is_one_statement_and_a_wrong_checksum_none(
    app: Flask, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(app, token) == 204  # its use is recorded
    reads: list[Any] = []
    first = Reads.first

    def counted(self: Reads, *arguments: Any) -> Any:
        reads.append(arguments)
        return first(self, *arguments)

    monkeypatch.setattr(Reads, "first", counted)
    with asked(app) as others:
        assert status(app, token) == 204
        assert (len(reads), others) == (1, [])
        last = "0" if token[-1] != "0" else "1"
        for wrong in (token[:-1], token + "0", token[:-1] + last):
            assert said(verify(app, wrong, READ)) == (401, "token_invalid")
    assert (len(reads), others) == (1, [])


@pytest.mark.both_databases
def test_owners_permissions_count_with_the_next_call_in_every_process(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app, other = make_app(), make_app()
    token = owned(app)
    assert [status(each, token) for each in (app, other)] == [204, 204]
    take(app)
    assert [said(verify(each, token, READ)) for each in (app, other)] == [(403, "permission_missing")] * 2
    give(other)
    assert [status(each, token) for each in (app, other)] == [204, 204]
    clock.advance(90 * DAY)
    assert [status(each, token) for each in (app, other)] == [401, 401]


def test_token_expires_to_the_second(app: Flask, clock: FixedClock) -> None:
    token = owned(app, expires_in_days=1)
    clock.advance(DAY - 1)
    assert status(app, token) == 204
    clock.advance(1)
    assert said(verify(app, token, READ)) == (401, "token_invalid")


def test_token_made_before_the_service_turned_tokens_off_is_refused_without_a_statement(
    make_app: AppFactory,
) -> None:
    app = make_app()
    token = owned(app)
    off = make_app({"API_TOKENS_ENABLED": "false"})
    with asked(off) as statements:
        assert said(verify(off, token, READ)) == (401, "token_invalid")
    assert statements == []
    assert status(app, token) == 204


def test_owner_who_must_set_up_a_factor_first_is_refused(make_app: AppFactory) -> None:
    app = make_app()
    token = owned(app)
    required = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    assert said(verify(required, token, READ)) == (403, "second_factor_setup_required")
    assert status(app, token) == 204


def administrator(app: Flask, clock: FixedClock) -> tuple[Owner, str]:
    """Return an administrator with a second factor, and a token with `auth:view` and `READ`."""
    owner = Owner(app.test_client(), clock)
    give(app, role="admin")
    give(app, READ)
    return owner, created(owner.client, owner.access, "auth:view", READ)


def test_permission_of_the_service_counts_only_while_its_owner_has_a_factor(
    app: Flask, clock: FixedClock
) -> None:
    owner, token = administrator(app, clock)
    assert status(app, token, "auth:view", READ) == 204
    assert owner.remove(code=owner.phone.next_code()).status_code == 200
    assert said(verify(app, token, "auth:view")) == (403, "permission_missing")
    assert status(app, token, READ) == 204


def test_permission_of_the_service_needs_a_token_that_was_made_by_a_factor(
    app: Flask, clock: FixedClock
) -> None:
    _, token = administrator(app, clock)
    execute(app, "UPDATE api_tokens SET by_factor = false")
    assert said(verify(app, token, "auth:view")) == (403, "permission_missing")
    assert status(app, token, READ) == 204


def test_permissions_that_change_anything_never_count(app: Flask, clock: FixedClock) -> None:
    _, token = administrator(app, clock)
    every = "auth:accounts,auth:audit,auth:roles,auth:support,auth:view"
    execute(app, "UPDATE api_tokens SET permissions = :every", every=every)
    found = {each for each in every.split(",") if status(app, token, each) == 204}
    assert found == {"auth:audit", "auth:view"}


# When it was used


def last_used(app: Flask) -> Any:
    (row,) = rows(app, "SELECT last_used_at FROM api_tokens")
    return row["last_used_at"]


@pytest.mark.both_databases
def test_use_is_written_at_most_once_in_ten_minutes(app: Flask, token: str, clock: FixedClock) -> None:
    def writes(calls: int) -> int:
        with asked(app) as statements:
            for _ in range(calls):
                assert status(app, token) == 204
        assert {each.split()[0] for each in statements} <= {"UPDATE"}
        return len(statements)

    assert last_used(app) is None
    assert writes(3) == 1
    clock.advance(10 * MINUTE - 1)
    assert writes(3) == 0
    clock.advance(1)
    assert writes(3) == 1
    clock.advance(-DAY)  # a clock that was set back does not end it
    assert writes(3) == 1


def test_use_is_shown_to_the_owner(app: Flask, client: FlaskClient, token: str, clock: FixedClock) -> None:
    access = login(client).get_json()["access_token"]
    assert listed(client, access)[0]["last_used_at"] is None
    clock.advance(MINUTE)
    assert status(app, token) == 204
    (shown,) = listed(client, access)
    assert shown["last_used_at"] == iso(clock.now())


def test_call_that_is_refused_for_its_permission_is_a_use(app: Flask, token: str) -> None:
    assert status(app, token, "invoices:send") == 403
    assert last_used(app) is not None


@pytest.mark.both_databases
def test_concurrent_first_uses_are_answered_and_written_once(app: Flask, token: str) -> None:
    assert at_once([lambda: status(app, token) for _ in range(6)]) == [204] * 6
    before = last_used(app)
    assert before is not None
    access = login(app.test_client()).get_json()["access_token"]
    (shown,) = listed(app.test_client(), access)
    with app.app_context():  # the statement itself decides, whatever its caller has read before
        tx, now = services().tx(), services().clock.now()
        api_tokens.note_use(tx, UUID(shown["id"]), now + timedelta(minutes=5), timedelta(minutes=10))
        tx.commit()
    assert last_used(app) == before


def test_answer_does_not_depend_on_the_record_of_its_use(
    app: Flask, token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    monkeypatch.setattr(api_tokens, "note_use", fail)
    assert status(app, token) == 204
    assert said(verify(app, token, "invoices:send")) == (403, "permission_missing")
    assert caplog.messages.count("use of an API token not recorded") == 2
    assert token not in caplog.text


def test_access_token_writes_nothing(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    give(app, READ)
    with asked(app) as statements:
        assert status(app, access) == 204
        assert me(client, access).status_code == 200
    assert statements == []
