"""Password strength, as advice while a password is typed."""

from typing import NamedTuple

from auth.passwords import policy
from utils.passwords.strength import Strength, strength
from utils.services import Services


class Advice(NamedTuple):
    strength: Strength
    has_own_words: bool


def advice(services: Services, password: str, *, username: str | None, email: str | None) -> Advice:
    """Return the strength for an attacker who knows name, address and service, and whether it contains them.

    Name and address are as typed so far; the database is not asked.
    """
    typed = [word for word in (username, *(email or "").split("@"), email) if word]
    has_own_words = policy.has_context_words(services, password, username=username, email=email)
    return Advice(strength(password, [*typed, *policy.context_words(services)]), has_own_words)
