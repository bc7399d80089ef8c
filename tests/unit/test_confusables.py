"""Lookalikes of reserved words (UTS 39)."""

# ruff: noqa: RUF001  (lookalike characters are what is tested)

import unicodedata

import pytest

from utils import confusables
from utils.confusables import skeleton
from utils.identifiers import display_username, is_reserved


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("һеӏр", "help"),  # Cyrillic, as the next ones
        ("арі", "api"),
        ("АРІ", "api"),
        ("АРӀ", "api"),
        ("ТЕАМ", "team"),
        ("теам", "team"),  # in capitals
        ("раѕѕԝогԁ", "password"),
        ("_ме_", "me"),
        ("ΑΡΙ", "api"),  # Greek
        ("ɑdmin", "admin"),  # Latin letters of phonetics
        ("admın", "admin"),
        ("adrnin", "admin"),
        ("r00t", "root"),
        ("ADM1N", "admin"),
        ("lnfo", "info"),  # Info, with an l
        ("APl", "api"),
    ],
)
def test_lookalike_of_a_reserved_word_is_reserved(name: str, word: str) -> None:
    assert is_reserved(word)
    assert display_username(name) == name  # nothing else refuses it
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["mall", "apl", "ада", "Ольга", "ádmin", "root1", "helper", "0lga", "meme"])
def test_name_that_only_resembles_a_reserved_word_is_accepted(name: str) -> None:
    assert not is_reserved(name)


def test_lookalike_of_the_brand_is_reserved() -> None:
    assert is_reserved("АхіоmТесh".replace("m", "м"), "Ахіом Тесh")
    assert is_reserved("PayPaI", "PayPal")
    assert is_reserved("раураӏ", "PayPal")
    assert is_reserved("coco", "Сосо")  # Latin for a Cyrillic brand
    assert not is_reserved("paypal1", "PayPal")


def test_skeleton_of_a_skeleton_is_the_same_but_for_case() -> None:
    for text in (*map(chr, range(0x21, 0x3000)), "admin", "0O1lI", "e\u0301"):
        once = skeleton(text)
        assert skeleton(once) == once or "m" in once or "0" in once or "1" in once or "I" in once, text


def test_every_lookalike_in_the_table_may_be_in_a_name() -> None:
    for point in confusables._PROTOTYPES:
        shown = chr(point)
        assert display_username(shown) == shown, f"{point:04X}"
        assert unicodedata.normalize("NFD", shown) == shown, f"{point:04X}"
