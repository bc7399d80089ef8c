"""Passwords that attackers try first: common ones, and those made of words that they know already.

The reasons are in docs/decisions/0012-password-blocklist.md.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

WORTH_FINDING = 4  # characters; a shorter word is in many passwords by accident


@cache
def common_passwords() -> frozenset[str]:
    """The 30,000 most common ones, in lower case; those that zxcvbn ships, in memory once it is asked."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  (it takes 30 ms to import)

    return frozenset(map(_folded, FREQUENCY_LISTS["passwords"]))


def is_common(password: str) -> bool:
    """Whether the password is on the list, in whichever case."""
    return _folded(password) in common_passwords()


def contains_own_words(password: str, words: Iterable[str], email: str | None, minimum: int) -> bool:
    """Whether the password is made of these words or of the address, or needs them to reach `minimum`.

    It is if it holds the whole address; if nothing but the words is left without its digits and
    punctuation; or if it holds a word, and too little is left without it.
    """
    folded = _folded(password)
    local, _, domain = (email or "").rpartition("@")
    if local and domain and _folded(email or "") in folded:
        return True
    known = {_folded(word) for word in (*words, *_parts_of(email or ""))}
    if any(_is_made_of(kept(folded), {kept(word) for word in known}) for kept in (_letters, _letters_digits)):
        return True
    bare = rest = _letters_digits(folded)
    for word in sorted(map(_letters_digits, known), key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) >= WORTH_FINDING else rest
    return rest != bare and len(rest) < minimum


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _kept(is_kept: Callable[[str], bool]) -> Callable[[str], str]:
    return lambda text: "".join(char for char in text if is_kept(char))


_letters, _letters_digits = _kept(str.isalpha), _kept(str.isalnum)


def _parts_of(email: str) -> list[str]:
    """The address, what stands before its @, and the words in there: `ada.lovelace` has two."""
    local = email.rpartition("@")[0]
    words = "".join(char if char.isalpha() else " " for char in local).split()
    return [email, local, *(word for word in words if len(word) > 2)]


def _is_made_of(text: str, words: Iterable[str]) -> bool:
    """Whether the text is a row of these words, each as often as may be. Its time is bounded."""
    known = [word for word in words if word]
    reached = {0}
    for start in range(len(text)):
        if start in reached:
            reached |= {start + len(word) for word in known if text.startswith(word, start)}
    return bool(text) and len(text) in reached
