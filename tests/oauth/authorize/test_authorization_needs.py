"""What a request needs before a code is issued, as a function of the facts. Each question is asked once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oauth.authorize.request import AuthorizationRequest, checked, read, target_of
from oauth.authorize.rules import LoggedIn, Need, consented_as, need, needs_consent
from oauth.stores.consents import Consent
from oauth.stores.resources import Resource
from tests.support.authorization_requests import CALLBACK, SNAPSHOT, authorization_query
from tests.support.service import START
from utils.crypto.claims import CLOCK_LEEWAY

OPENED = START
BEFORE = LoggedIn(
    user_id=7,
    auth_time=OPENED - timedelta(hours=1),
    factor_at=None,
    has_factor=False,
    is_restricted=False,
    is_permitted=True,
    has_consented=True,
)
NEWLY = replace(BEFORE, auth_time=OPENED + timedelta(seconds=5))
NOW = OPENED + timedelta(seconds=10)


def request_of(client: dict[str, Any] | None = None, **changes: str | None) -> AuthorizationRequest:
    return checked(
        target_of(read(authorization_query(**changes)), SNAPSHOT._replace(**(client or {}))), (), ()
    )


def needed(request: AuthorizationRequest, session: LoggedIn | None, **more: Any) -> Need:
    facts: dict[str, Any] = {"hinted": None, "answered": False, "opened_at": OPENED, "now": NOW}
    return need(request, session, **(facts | more))


# prompt or max_age: what nobody, a session of before the request, and one that began after it are asked.
QUESTIONS: list[tuple[dict[str, Any], Need, Need, Need]] = [
    ({}, Need.LOGIN, Need.NOTHING, Need.NOTHING),
    ({"prompt": "login"}, Need.LOGIN, Need.REAUTH, Need.NOTHING),
    ({"max_age": "0"}, Need.LOGIN, Need.REAUTH, Need.NOTHING),
    ({"max_age": "1"}, Need.LOGIN, Need.REAUTH, Need.NOTHING),
    ({"max_age": "3600"}, Need.LOGIN, Need.NOTHING, Need.NOTHING),
    ({"max_age": "3599"}, Need.LOGIN, Need.REAUTH, Need.NOTHING),
    ({"max_age": "9999999999"}, Need.LOGIN, Need.NOTHING, Need.NOTHING),
    ({"prompt": "select_account"}, Need.LOGIN, Need.ACCOUNT, Need.NOTHING),
    ({"prompt": "create"}, Need.SIGN_UP, Need.ACCOUNT, Need.NOTHING),
    ({"prompt": "none"}, Need.LOGIN, Need.NOTHING, Need.NOTHING),
    ({"prompt": "none", "max_age": "0"}, Need.LOGIN, Need.REAUTH, Need.NOTHING),
    ({"prompt": "select_account login"}, Need.LOGIN, Need.ACCOUNT, Need.NOTHING),
]


@pytest.mark.parametrize(("changes", "nobody", "before", "newly"), QUESTIONS)
def test_prompt_and_max_age_ask_exactly_once(
    changes: dict[str, Any], nobody: Need, before: Need, newly: Need
) -> None:
    request = request_of(**changes)
    assert needed(request, None) is nobody
    assert needed(request, BEFORE) is before
    assert needed(request, NEWLY) is newly


def test_answered_question_is_not_asked_again() -> None:
    for prompt in ("select_account", "create"):
        assert needed(request_of(prompt=prompt), BEFORE, answered=True) is Need.NOTHING
    assert needed(request_of(prompt="create"), None, answered=True) is Need.LOGIN
    assert needed(request_of(prompt="select_account login"), BEFORE, answered=True) is Need.REAUTH


def test_answer_of_the_caller_does_not_satisfy_prompt_login() -> None:
    assert needed(request_of(prompt="login"), BEFORE, answered=True) is Need.REAUTH
    assert needed(request_of(max_age="0"), BEFORE, answered=True) is Need.REAUTH


def test_login_in_the_future_is_not_fresh() -> None:
    """A clock that was set back must not make an old login fresh."""
    later = replace(BEFORE, auth_time=NOW + timedelta(hours=1))
    asking: list[dict[str, Any]] = [{"prompt": "login"}, {"max_age": "3600"}]
    for changes in asking:
        assert needed(request_of(**changes), later) is Need.REAUTH


def test_login_on_a_machine_that_is_ahead_is_fresh_within_the_leeway() -> None:
    asking: list[dict[str, Any]] = [{"prompt": "login"}, {"max_age": "3600"}]
    for seconds, expected in ((CLOCK_LEEWAY, Need.NOTHING), (CLOCK_LEEWAY + 1, Need.REAUTH)):
        later = replace(BEFORE, auth_time=NOW + timedelta(seconds=seconds))
        for changes in asking:
            assert needed(request_of(**changes), later) is expected


def test_account_that_must_set_up_a_factor_gets_nothing_else() -> None:
    restricted = replace(NEWLY, is_restricted=True)
    assert needed(request_of(), restricted) is Need.SECOND_FACTOR
    assert needed(request_of({"require_factor": True}), NEWLY) is Need.SECOND_FACTOR


def test_client_that_wants_a_fresh_factor() -> None:
    request = request_of({"require_factor": True})
    with_factor = replace(NEWLY, has_factor=True)
    assert needed(request, with_factor) is Need.FACTOR_REAUTH
    for seconds, expected in ((599, Need.NOTHING), (600, Need.FACTOR_REAUTH), (-600, Need.FACTOR_REAUTH)):
        proven = replace(with_factor, factor_at=NOW - timedelta(seconds=seconds))
        assert needed(request, proven) is expected


def test_hint_must_name_the_account() -> None:
    assert needed(request_of(), BEFORE, hinted="7") is Need.NOTHING
    for other in ("8", "07", "", "7 "):
        assert needed(request_of(), BEFORE, hinted=other) is Need.OTHER_ACCOUNT


def test_permission_comes_before_reauth_and_consent() -> None:
    lacks = replace(BEFORE, is_permitted=False, has_consented=False)
    assert needed(request_of(prompt="login"), lacks) is Need.PERMISSION
    assert needed(request_of(), replace(BEFORE, has_consented=False)) is Need.CONSENT


DIGEST = b"d"
GIVEN = Consent(["openid", "email"], [], DIGEST)
LOOPBACK = {"kind": "native", "redirect_uris": ["http://127.0.0.1/cb"]}
PRIVATE = {"kind": "native", "redirect_uris": ["com.example.app:/cb"]}


def test_consent_is_asked_for_when_there_is_none_or_more_is_asked() -> None:
    assert needs_consent(request_of(), None, DIGEST)
    assert not needs_consent(request_of(), GIVEN, DIGEST)
    assert not needs_consent(request_of(scope="openid"), GIVEN, DIGEST)
    assert needs_consent(request_of(scope="openid email profile"), GIVEN, DIGEST)
    assert needs_consent(request_of(prompt="consent"), GIVEN, DIGEST)
    assert needs_consent(request_of(), GIVEN, b"another name or host")


def test_consent_to_a_scope_does_not_cover_the_same_scope_of_another_resource() -> None:
    """Allowed were `read` of the orders and `ping` of the bank."""
    orders, bank = (
        Resource(f"https://{name}.example.com", name, {"read": "Read", "ping": "Ping"}, is_default=False)
        for name in ("orders", "bank")
    )

    def asking(resource: Resource, scope: str) -> AuthorizationRequest:
        query = authorization_query(scope=f"openid {scope}", resource=resource.identifier)
        return checked(target_of(read(query), SNAPSHOT), (orders, bank), ())

    first, second = asking(orders, "read"), asking(bank, "ping")
    kept = consented_as(first, first.scopes) | consented_as(second, second.scopes)
    given = Consent(sorted(kept), [orders.identifier, bank.identifier], DIGEST)
    assert not needs_consent(first, given, DIGEST)
    assert not needs_consent(second, given, DIGEST)
    assert needs_consent(asking(bank, "read"), given, DIGEST)
    assert needs_consent(asking(orders, "ping"), given, DIGEST)


def test_consent_counts_only_for_its_resource_also_for_standard_scopes_alone() -> None:
    orders, bank = (
        Resource(f"https://{name}.example.com", name, {}, is_default=False) for name in ("orders", "bank")
    )

    def asking(resource: str | None) -> AuthorizationRequest:
        query = authorization_query(scope="openid email", resource=resource)
        return checked(target_of(read(query), SNAPSHOT), (orders, bank), ())

    given = Consent(["email", "openid"], [orders.identifier], DIGEST)
    assert not needs_consent(asking(orders.identifier), given, DIGEST)
    assert needs_consent(asking(bank.identifier), given, DIGEST)
    assert not needs_consent(asking(None), given, DIGEST)


def test_trusted_client_is_not_asked_about() -> None:
    assert not needs_consent(request_of({"trusted": True}), None, DIGEST)
    assert needs_consent(request_of({"trusted": True}, prompt="consent"), None, DIGEST)


@pytest.mark.parametrize("client", [LOOPBACK, PRIVATE])
def test_fault_47_public_client_that_any_program_can_pose_as_is_always_asked_about(
    client: dict[str, Any],
) -> None:
    for trusted in (True, False):
        request = request_of(client | {"trusted": trusted}, redirect_uri=client["redirect_uris"][0])
        assert needs_consent(request, GIVEN, DIGEST)
    spa = request_of({"kind": "spa", "redirect_uris": [CALLBACK]})
    assert not needs_consent(spa, GIVEN, DIGEST)
