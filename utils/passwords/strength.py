"""Password strength for advice: zxcvbn with bounded time.

zxcvbn's time grows steeply with the length and with the number of substitutions (`@` for `a`), whose readings
it enumerates. Both are limited; the slowest known input takes about 30 ms.
"""

import unicodedata
from collections.abc import Iterable
from threading import Lock
from typing import Any, NamedTuple

from utils.errors import Busy

SCORED = 32  # characters; further ones can only increase the strength
MAX_SUBSTITUTIONS = 6  # different characters that zxcvbn also reads as letters
MAX_WORDS, MAX_WORD = 50, 64
MAX_WAIT = 1.0  # seconds
_PRIVATE_USE = 0xE000

# One computation at a time per process: zxcvbn stores the caller's words in a global variable, and strength
# requests must not occupy the processor.
_scoring_lock = Lock()


class Strength(NamedTuple):
    """Score from 0 (weakest) to 4, and zxcvbn's feedback, which quotes nothing of the password."""

    score: int
    warning: str | None
    suggestions: list[str]


def strength(password: str, words: Iterable[str] = (), *, max_wait: float = MAX_WAIT) -> Strength:
    """Return the strength for an attacker who knows these words. Raises `Busy` after `max_wait` seconds."""
    import zxcvbn  # noqa: PLC0415  (imports in 30 ms)

    text = scored_part(password)
    known = [word[:MAX_WORD] for word in dict.fromkeys(words) if word][:MAX_WORDS]
    if not _scoring_lock.acquire(timeout=max_wait):
        raise Busy
    try:
        found: dict[str, Any] = zxcvbn.zxcvbn(text, user_inputs=known)
    finally:
        # Otherwise the words stay in memory until the next call.
        zxcvbn.matching.RANKED_DICTIONARIES["user_inputs"] = {}
        _scoring_lock.release()
    feedback = found["feedback"]
    return Strength(found["score"], feedback["warning"] or None, list(feedback["suggestions"]))


def scored_part(password: str) -> str:
    """Return the scored part of a password: `SCORED` characters with at most `MAX_SUBSTITUTIONS`.

    Each further substitution character is replaced by a private-use character: unknown to zxcvbn, equally
    hard to guess, and the same at each repetition.
    """
    from zxcvbn.matching import L33T_TABLE  # noqa: PLC0415

    text = unicodedata.normalize("NFC", password)[:SCORED]
    substitutions = {char for several in L33T_TABLE.values() for char in several}
    surplus = [char for char in dict.fromkeys(text) if char in substitutions][MAX_SUBSTITUTIONS:]
    return text.translate({ord(char): chr(_PRIVATE_USE + ord(char)) for char in surplus})
