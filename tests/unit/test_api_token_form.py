"""The form of API tokens, and what of their permissions counts: pure functions."""

import hashlib
import random
import re
import string

import pytest

from auth.api_tokens import allowance
from auth.permissions import AuthPermission
from utils.crypto import api_tokens
from utils.permissions import is_of_service

# The published form: another implementation of the checksum must agree.
KNOWN = "auth_pat_0123456789ABCDEFGHIJKLMNOPQRSTUV"
CHECKSUM = "1ggZdL"


def test_known_token_has_the_published_form() -> None:
    token = KNOWN + CHECKSUM
    assert api_tokens.digest_of(token) == hashlib.sha256(token.encode()).digest()
    assert len(token) == 47


def test_new_tokens_are_found_by_secret_scanners_and_differ() -> None:
    made = [api_tokens.new() for _ in range(100)]
    for each in made:
        assert re.fullmatch("auth_pat_[0-9A-Za-z]{38}", each.text)
        assert api_tokens.has_prefix(each.text)
        assert each.digest == api_tokens.digest_of(each.text)
        assert each.shown == each.text[-4:]
    assert len({each.text for each in made}) == len({each.digest for each in made}) == 100


def test_random_characters_are_drawn_from_the_whole_alphabet() -> None:
    drawn = "".join(api_tokens.new().text[9:41] for _ in range(200))
    assert set(drawn) == set(string.ascii_letters + string.digits)


def test_every_single_typing_error_is_detected() -> None:
    token = KNOWN + CHECKSUM
    for place in range(len(token)):
        for char in "0aZ-":
            typed = token[:place] + char + token[place + 1 :]
            assert (api_tokens.digest_of(typed) is None) == (typed != token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "auth_pat_",
        KNOWN,
        KNOWN + CHECKSUM + "0",
        f" {KNOWN}{CHECKSUM}",
        f"{KNOWN}{CHECKSUM}\n",
        KNOWN + CHECKSUM.lower(),
        (KNOWN + CHECKSUM).replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
        "x" * 100_000,
    ],
)
def test_malformed_token_has_no_digest(token: str) -> None:
    assert api_tokens.digest_of(token) is None


NAMES = ["reports:read", "reports:read-all", "reports:write", "invoices:send", *AuthPermission]


def test_effective_permissions_are_those_of_token_and_owner_in_random_cases() -> None:
    choice = random.Random(7)
    for _ in range(2_000):
        own, held = (set(choice.sample(NAMES, choice.randrange(len(NAMES)))) for _ in range(2))
        by_factor = choice.random() < 0.5
        found = allowance.effective(own, held, by_factor=by_factor)
        assert found <= own & held
        assert {each for each in own & held if not is_of_service(each)} <= found
        service = {each for each in found if is_of_service(each)}
        assert service == (own & held & {"auth:view", "auth:audit"} if by_factor else set())


def test_part_of_a_permission_is_not_the_permission() -> None:
    assert not allowance.effective(["reports:read-all"], ["reports:read"], by_factor=True)
    assert not allowance.effective(["reports:read"], ["reports:read-all"], by_factor=True)


def test_permissions_that_change_anything_are_impossible_in_a_token() -> None:
    possible = {each for each in AuthPermission if allowance.is_possible(each)}
    assert possible == {AuthPermission.VIEW, AuthPermission.AUDIT}
    assert not allowance.is_possible("auth:anything-later")
    assert allowance.is_possible("authors:roles")


def test_offered_permissions_are_sorted_with_those_of_the_service_last() -> None:
    held = ["reports:read", "auth:view", "auth:roles", "zoo:feed", "auth:audit"]
    assert allowance.offered(held, has_factor=False) == ["reports:read", "zoo:feed"]
    with_factor = ["reports:read", "zoo:feed", "auth:audit", "auth:view"]
    assert allowance.offered(held, has_factor=True) == with_factor
