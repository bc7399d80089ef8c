"""Passwords that attackers try first: common ones, and those made of words that they know already.

The reasons are in docs/decisions/0012-password-blocklist.md.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

WORTH_FINDING = 4  # characters; a shorter word is in many passwords by accident


def is_common(password: str) -> bool:
    """Whether the password is one of the 30,000 most common ones, in whichever case."""
    folded = _folded(password)
    return "\n" not in folded and f"\n{folded}\n" in common_passwords()


@cache
def common_passwords() -> str:
    """The list that zxcvbn ships, in lower case: a line each, as a set would take ten times the memory.

    Its file is loaded by itself: the package keeps all its words and what it makes of them, 18 MB.
    """
    package = find_spec("zxcvbn")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("zxcvbn")
    spec = spec_from_file_location("frequency_lists", Path(package.origin).with_name("frequency_lists.py"))
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("zxcvbn.frequency_lists")
    lists = module_from_spec(spec)
    spec.loader.exec_module(lists)
    words: list[str] = lists.FREQUENCY_LISTS["passwords"]
    return "\n".join(["", *map(_folded, words), ""])


def contains_context_words(password: str, words: Iterable[str], email: str | None, minimum: int) -> bool:
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
