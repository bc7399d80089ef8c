"""How hard a password is to guess, as advice: zxcvbn, kept from working long.

What it takes grows steeply with the length, and with the characters that may stand for a letter (`@` for
`a`): it tries all their readings. So both are capped, after which the worst input known takes some 30 ms.
"""

import unicodedata
from collections.abc import Iterable
from threading import Lock
from typing import Any, NamedTuple

from utils.errors import Busy

SCORED = 32  # characters; what follows can only make a password better
MAX_STAND_INS = 6  # different characters that zxcvbn reads as letters too
MAX_WORDS, MAX_WORD = 50, 64
MAX_WAIT = 1.0  # seconds
_PRIVATE_USE = 0xE000

# One scoring at a time in a process: zxcvbn keeps the words of its caller in a global, and a flood
# of scorings must leave the processor to the calls that matter.
_one_at_a_time = Lock()


class Strength(NamedTuple):
    """0 (guessed at once) to 4, and zxcvbn's words on it, which repeat nothing of the password."""

    score: int
    warning: str | None
    suggestions: list[str]


def strength(password: str, words: Iterable[str] = (), *, max_wait: float = MAX_WAIT) -> Strength:
    """Return the strength for an attacker who knows these words. Raises `Busy` after `max_wait` seconds."""
    import zxcvbn  # noqa: PLC0415  (it takes 30 ms to import)

    text = scored_part(password)
    known = [word[:MAX_WORD] for word in dict.fromkeys(words) if word][:MAX_WORDS]
    if not _one_at_a_time.acquire(timeout=max_wait):
        raise Busy
    try:
        found: dict[str, Any] = zxcvbn.zxcvbn(text, user_inputs=known)
    finally:
        zxcvbn.matching.RANKED_DICTIONARIES["user_inputs"] = {}  # it would keep them until the next call
        _one_at_a_time.release()
    feedback = found["feedback"]
    return Strength(found["score"], feedback["warning"] or None, list(feedback["suggestions"]))


def scored_part(password: str) -> str:
    """The beginning of a password, in which no more than `MAX_STAND_INS` characters stand for letters.

    Each further one becomes another that zxcvbn knows nothing of: as hard to guess, and still the
    same wherever it is repeated.
    """
    from zxcvbn.matching import L33T_TABLE  # noqa: PLC0415

    text = unicodedata.normalize("NFC", password)[:SCORED]
    stand_ins = {char for several in L33T_TABLE.values() for char in several}
    surplus = [char for char in dict.fromkeys(text) if char in stand_ins][MAX_STAND_INS:]
    return text.translate({ord(char): chr(_PRIVATE_USE + ord(char)) for char in surplus})
