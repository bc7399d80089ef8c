"""What to say of a password while somebody chooses it."""

from typing import NamedTuple

from auth.flows.steps import new_passwords
from utils.services import Services
from utils.strength import Strength, strength


class Advice(NamedTuple):
    strength: Strength
    has_own_words: bool


def advice(services: Services, password: str, *, username: str | None, email: str | None) -> Advice:
    """How hard it is to guess for somebody who knows name, address and service, and whether it holds those.

    Name and address are as far as they are typed, and nobody's so far: the database is not asked.
    """
    typed = [word for word in (username, *(email or "").split("@"), email) if word]
    has_own_words = new_passwords.has_own_words(services, password, username=username, email=email)
    return Advice(strength(password, [*typed, *new_passwords.own_words(services)]), has_own_words)
