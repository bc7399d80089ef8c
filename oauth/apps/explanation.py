"""What `explain` says about the apps of an account."""

from collections.abc import Sequence

from oauth.apps import listing
from oauth.apps.listing import App
from utils.services import Services


def explain(services: Services, user_id: int) -> list[str]:
    """Return a sentence with the apps that have access to this account, or nothing if none has."""
    found = listing.of_account(services, user_id)
    return [sentence(found)] if found else []


def sentence(found: Sequence[App]) -> str:
    """Return the names of these apps in a sentence, with those that need no session marked."""
    names = [f"{app.name} (without a session)" if app.works_without_you else app.name for app in found]
    return f"Apps with access: {', '.join(names)}. A refused login to one: see `explain-client`."
