"""What a new password must not be made of: the name, the address, the words of the service."""

from auth.errors import PasswordContainsContext, PasswordLeaked
from utils.blocklist import contains_own_words
from utils.services import Services


def refuse_own_words(
    services: Services, password: str, *, username: str | None, email: str, field: str = "password"
) -> None:
    """Raise `PasswordContainsContext` if it is made of what everybody knows. Knows only what it is told."""
    if has_own_words(services, password, username=username, email=email):
        told = "must not contain your user name, your email address or the name of this service"
        raise PasswordContainsContext(fields={field: told})


def refuse_leaked(services: Services, password: str, *, field: str = "password") -> None:
    """Raise `PasswordLeaked` if a collection of leaked passwords has it (ASVS 6.2.12).

    May take a second: whoever calls holds no database connection.
    """
    if services.leaks.has(password):
        raise PasswordLeaked(fields={field: "was found in a data leak"})


def has_own_words(services: Services, password: str, *, username: str | None, email: str | None) -> bool:
    """Whether it is; never where the block-list is off."""
    settings = services.settings
    words = [*own_words(services), *([username] if username else [])]
    minimum = settings.password_min_length
    return settings.password_blocklist and contains_own_words(password, words, email, minimum)


def own_words(services: Services) -> tuple[str, ...]:
    """The words of the service itself: its name, and `PASSWORD_CONTEXT_WORDS`."""
    return (services.settings.brand_name, *services.settings.password_context_words)
