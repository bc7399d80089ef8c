"""The rules of authorization requests, as functions."""

from typing import Any

import pytest

from oauth.authorize import errors
from oauth.authorize.request import (
    MAX_QUERY,
    STANDARD_SCOPES,
    AuthorizationRequest,
    Prompt,
    checked,
    client_id_of,
    read,
    target_of,
)
from oauth.stores.resources import Resource
from tests.support.authorization_requests import CALLBACK, CHALLENGE, SNAPSHOT, authorization_query
from utils.languages.catalogue import shipped

REPORTS = Resource("https://api.example.com", "Reports", {"reports:read": "Read your reports"}, False)
FILES = Resource("https://files.example.com", "Files", {"files": "See your files"}, True)


def request_of(
    query: str, *resources: Resource, others: tuple[str, ...] = (), **client: Any
) -> AuthorizationRequest:
    target = target_of(read(query), SNAPSHOT._replace(**client))
    return checked(target, resources, others)


def refusal(query: str, *resources: Resource, **more: Any) -> type[errors.RequestRefused]:
    with pytest.raises(errors.RequestRefused) as refused:
        request_of(query, *resources, **more)
    return type(refused.value)


def test_request_that_is_right() -> None:
    found = request_of(authorization_query(nonce="n", prompt="login consent", max_age="60", login_hint="ada"))
    assert (found.scopes, found.code_challenge, found.nonce) == (("openid", "email"), CHALLENGE, "n")
    assert found.prompts == {Prompt.LOGIN, Prompt.CONSENT}
    assert found.max_age == 60
    assert (found.target.state, found.login_hint, found.resource) == ("s t&te", "ada", None)


def test_what_core_says_is_ignored() -> None:
    ignored = dict.fromkeys(("display", "ui_locales", "claims_locales", "acr_values", "claims", "foo"), "x")
    assert request_of(authorization_query(**ignored)).scopes == ("openid", "email")


FAULTS: list[tuple[dict[str, str | None], type[errors.RequestRefused]]] = [
    ({"request": "e30"}, errors.RequestObjectRefused),
    ({"request_uri": "https://app.example.com/r"}, errors.RequestUriRefused),
    ({"registration": "{}"}, errors.RegistrationRefused),
    ({"response_type": None}, errors.ResponseTypeMissing),
    ({"response_type": "token"}, errors.ResponseTypeUnsupported),
    ({"response_mode": "form_post"}, errors.ResponseModeUnsupported),
    ({"code_challenge": None, "code_challenge_method": None}, errors.CodeChallengeMissing),
    ({"scope": "cooking"}, errors.ScopeInvalid),
    ({"resource": "https://other.example.com"}, errors.ResourceInvalid),
    ({"prompt": "dance"}, errors.PromptInvalid),
    ({"max_age": "-1"}, errors.MaxAgeInvalid),
    ({"nonce": "n" * 513}, errors.ParameterInvalid),
]


@pytest.mark.parametrize(("change", "expected"), FAULTS)
def test_each_fault_is_reported_to_the_client(
    change: dict[str, str | None], expected: type[errors.RequestRefused]
) -> None:
    assert refusal(authorization_query(**change)) is expected


def test_faults_are_found_in_the_documented_order() -> None:
    """The address first; of several other faults, the one that is first in the list."""
    changes: dict[str, str | None] = {}
    for change, expected in reversed(FAULTS):
        changes |= change
        assert refusal(authorization_query(**changes)) is expected
    repeated = f"{authorization_query(**changes)}&state=again"
    assert refusal(repeated) is errors.ParameterRepeated
    with pytest.raises(errors.RedirectUriMismatch):
        request_of(authorization_query(**changes, redirect_uri=f"{CALLBACK}/"))


@pytest.mark.parametrize("name", ["state", "scope", "prompt", "nonce", "code_challenge", "unknown"])
def test_repeated_parameter_is_refused(name: str) -> None:
    query = authorization_query(nonce="n", prompt="login", unknown="x")
    assert refusal(f"{query}&{name}=again") is errors.ParameterRepeated
    assert refusal(f"{query}&{name}=") is errors.ParameterRepeated


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"code_challenge": None}, errors.CodeChallengeMissing),
        ({"code_challenge": ""}, errors.CodeChallengeMissing),
        ({"code_challenge": CHALLENGE[:42]}, errors.CodeChallengeInvalid),
        ({"code_challenge": CHALLENGE * 3}, errors.CodeChallengeInvalid),
        ({"code_challenge": f"{CHALLENGE}\n"}, errors.CodeChallengeInvalid),
        ({"code_challenge": f"{CHALLENGE[:42]}="}, errors.CodeChallengeInvalid),
        ({"code_challenge": f"{CHALLENGE[:42]}\u00e9"}, errors.CodeChallengeInvalid),
        ({"code_challenge_method": None}, errors.CodeChallengeMethodInvalid),
        ({"code_challenge_method": "plain"}, errors.CodeChallengeMethodInvalid),
        ({"code_challenge_method": "s256"}, errors.CodeChallengeMethodInvalid),
        ({"code_challenge_method": "S512"}, errors.CodeChallengeMethodInvalid),
    ],
)
def test_fault_13_and_14_challenge_that_is_not_s256(
    change: dict[str, str | None], expected: type[errors.RequestRefused]
) -> None:
    assert refusal(authorization_query(**change)) is expected
    assert refusal(authorization_query(**change), pkce="optional") is expected


def test_fault_13_only_a_confidential_client_can_go_without_a_challenge() -> None:
    without = authorization_query(code_challenge=None, code_challenge_method=None)
    assert request_of(without, pkce="optional").code_challenge is None
    for kind in ("spa", "native"):
        assert refusal(without, pkce="optional", kind=kind) is errors.CodeChallengeMissing


@pytest.mark.parametrize("mode", ["fragment", "form_post", "web_message", "query.jwt", "QUERY"])
def test_fault_72_response_mode_is_query(mode: str) -> None:
    assert refusal(authorization_query(response_mode=mode)) is errors.ResponseModeUnsupported
    assert request_of(authorization_query(response_mode="query"))


@pytest.mark.parametrize(
    "kind", ["token", "id_token", "code token", "code id_token", "none", "Code", "code ", " code"]
)
def test_fault_7_response_type_is_code(kind: str) -> None:
    assert refusal(authorization_query(response_type=kind)) is errors.ResponseTypeUnsupported


def test_scopes_that_the_client_may_not_have_are_left_out() -> None:
    asked = authorization_query(scope="email openid roles offline_access cooking openid")
    assert request_of(asked).scopes == ("openid", "email", "offline_access")
    assert request_of(asked, scopes=["openid", "roles"]).scopes == ("openid", "roles")
    assert request_of(asked, scopes=["openid"]).scopes == ("openid",)
    assert refusal(authorization_query(scope="email"), scopes=["openid"]) is errors.ScopeInvalid
    assert refusal(authorization_query(scope=None)) is errors.ScopeInvalid


def test_every_standard_scope_has_words_on_the_page() -> None:
    words = shipped().english.script
    assert {each for each in words if each.startswith("authorize.scope.")} == {
        f"authorize.scope.{each}" for each in STANDARD_SCOPES
    }


def test_scopes_of_a_resource_need_that_resource() -> None:
    asked = authorization_query(scope="openid reports:read", resource=REPORTS.identifier)
    found = request_of(asked, REPORTS, FILES)
    assert (found.scopes, found.resource) == (("openid", "reports:read"), REPORTS)
    assert refusal(authorization_query(scope="openid reports:read"), REPORTS) is errors.ScopeInvalid
    assert refusal(authorization_query(scope="openid admin"), others=("admin",)) is errors.ScopeInvalid
    assert request_of(authorization_query(scope="openid admin")).scopes == ("openid",)


def test_resource_is_one_of_the_client_or_its_default() -> None:
    asked = authorization_query(scope="files")
    assert request_of(asked, REPORTS, FILES).resource is FILES
    chosen = authorization_query(scope="openid", resource=REPORTS.identifier)
    assert request_of(chosen, REPORTS, FILES).resource is REPORTS
    assert (
        refusal(f"{chosen}&resource=https%3A%2F%2Ffiles.example.com", REPORTS, FILES)
        is errors.ResourceInvalid
    )
    for other in (f"{REPORTS.identifier}/", REPORTS.identifier.upper(), "x"):
        asked = authorization_query(scope="openid", resource=other)
        assert refusal(asked, REPORTS, FILES) is errors.ResourceInvalid
    nothing = authorization_query(scope=None, resource=REPORTS.identifier)
    assert request_of(nothing, REPORTS).scopes == ()


@pytest.mark.parametrize(
    "prompt", ["none login", "none consent", "login none", "NONE", "login,consent", "login logout"]
)
def test_unknown_prompt_or_none_with_others_is_refused(prompt: str) -> None:
    assert refusal(authorization_query(prompt=prompt)) is errors.PromptInvalid
    assert request_of(authorization_query(prompt="none")).is_silent


@pytest.mark.parametrize("max_age", ["x", "-1", "1.5", "1e3", "\u0663", "9" * 11, " 1", "+1"])
def test_max_age_is_a_number_of_seconds(max_age: str) -> None:
    assert refusal(authorization_query(max_age=max_age)) is errors.MaxAgeInvalid


def test_texts_are_bounded() -> None:
    found = request_of(authorization_query(state="s" * 2048, nonce="n" * 512, login_hint="h" * 512))
    assert found.target.state == "s" * 2048
    assert refusal(authorization_query(state="s" * 2049)) is errors.ParameterInvalid
    assert refusal(authorization_query(login_hint="h" * 513)) is errors.ParameterInvalid
    assert refusal(authorization_query(nonce="a\x01b")) is errors.ParameterInvalid
    assert target_of(read(authorization_query(state="s" * 2049)), SNAPSHOT).state is None


@pytest.mark.parametrize("client_id", ["", "a" * 65, "a\x01", "\u00e9", "a b"])
def test_client_id_that_no_client_has_is_not_looked_up(client_id: str) -> None:
    with pytest.raises((errors.ClientIdMissing, errors.ClientUnknown)):
        client_id_of(read(authorization_query(client_id=client_id)))
    with pytest.raises(errors.ClientUnknown):
        client_id_of(read(f"{authorization_query()}&client_id=app"))


@pytest.mark.parametrize(
    "query",
    [
        *("x" * (MAX_QUERY + 1), "client_id=%ff", "client_id=\u00e9", "&".join("a=1" for _ in range(65))),
        *("client_id=app%00", "state=\x00", "%00=1"),
    ],
)
def test_query_that_cannot_be_read(query: str) -> None:
    with pytest.raises(errors.RequestMalformed):
        read(query)
