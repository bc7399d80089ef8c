"""The password blocklist: common passwords, and passwords made of context words (ASVS 6.2.4, 6.2.11).

See docs/decisions/0012-password-blocklist.md.
"""

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

MIN_WORD_LENGTH = 4  # characters; shorter words are in many passwords by chance


def is_common(password: str) -> bool:
    """Return whether the password is one of the 30,000 most common ones, ignoring case."""
    folded = _folded(password)
    return "\n" not in folded and f"\n{folded}\n" in common_passwords()


@cache
def common_passwords() -> str:
    """Return zxcvbn's list of common passwords in lower case, one per line.

    One string takes a tenth of the memory of a set. The module is loaded without its package, which would
    take 18 MB for all lists.
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
    """Return whether the password depends on these words or on the email address.

    It does if it contains the whole address; if it consists of the words, apart from digits and punctuation;
    or if it contains a word and has fewer than `minimum` characters without it.
    """
    folded = _folded(password)
    local, _, domain = (email or "").rpartition("@")
    if local and domain and _folded(email or "") in folded:
        return True
    known = {_folded(word) for word in (*words, *_words_of(email or ""))}
    if any(
        _is_concatenation(reduced(folded), {reduced(word) for word in known})
        for reduced in (_letters, _letters_digits)
    ):
        return True
    bare = rest = _letters_digits(folded)
    for word in sorted(map(_letters_digits, known), key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) >= MIN_WORD_LENGTH else rest
    return rest != bare and len(rest) < minimum


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _filtered(predicate: Callable[[str], bool]) -> Callable[[str], str]:
    return lambda text: "".join(char for char in text if predicate(char))


_letters, _letters_digits = _filtered(str.isalpha), _filtered(str.isalnum)


def _words_of(email: str) -> list[str]:
    """Return the address, its local part, and the words of the local part (`ada.lovelace` has two)."""
    local = email.rpartition("@")[0]
    words = "".join(char if char.isalpha() else " " for char in local).split()
    return [email, local, *(word for word in words if len(word) > 2)]


def _is_concatenation(text: str, words: Iterable[str]) -> bool:
    """Return whether the text is a concatenation of these words, with repetition, in bounded time."""
    known = [word for word in words if word]
    reached = {0}
    for start in range(len(text)):
        if start in reached:
            reached |= {start + len(word) for word in known if text.startswith(word, start)}
    return bool(text) and len(text) in reached
