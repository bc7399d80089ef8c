"""The rules for a new password that need the account or a look-up."""

from auth.errors import PasswordContainsContext, PasswordLeaked
from utils.languages.text import Text
from utils.passwords.blocklist import contains_context_words
from utils.services import Services


def refuse_context_words(
    services: Services, password: str, *, username: str | None, email: str, field: str = "password"
) -> None:
    """Raise `PasswordContainsContext` if the password is made of name, address or the service's words."""
    if has_context_words(services, password, username=username, email=email):
        fault = Text("must not contain your user name, your email address or the name of this service")
        raise PasswordContainsContext(fields={field: fault})


def refuse_leaked(services: Services, password: str, *, field: str = "password") -> None:
    """Raise `PasswordLeaked` if the collection of leaked passwords has it (ASVS 6.2.12).

    May take a second: the caller must hold no database connection.
    """
    if services.leaks.has(password):
        raise PasswordLeaked(fields={field: Text("was found in a data leak")})


def has_context_words(services: Services, password: str, *, username: str | None, email: str | None) -> bool:
    """Whether the password is made of them; always False if the block-list is off."""
    settings = services.settings
    words = [*context_words(services), *([username] if username else [])]
    minimum = settings.password_min_length
    return settings.password_blocklist and contains_context_words(password, words, email, minimum)


def context_words(services: Services) -> tuple[str, ...]:
    """Return the words of the service: its name and `PASSWORD_CONTEXT_WORDS`."""
    return (services.settings.brand_name, *services.settings.password_context_words)
