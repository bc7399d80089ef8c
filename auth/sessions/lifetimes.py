"""Session lifetimes: idle and absolute (ASVS 7.3)."""

from datetime import datetime, timedelta

from utils.services import Services


def idle_end(services: Services, now: datetime, *, remembered: bool) -> datetime:
    """Return when a session that is not used again ends (ASVS 7.3.1)."""
    settings = services.settings
    seconds = settings.remembered_idle_lifetime if remembered else settings.session_idle_lifetime
    return now + timedelta(seconds=seconds)


def absolute_end(services: Services, now: datetime, *, remembered: bool) -> datetime:
    """Return when a session ends regardless of use (ASVS 7.3.2)."""
    settings = services.settings
    seconds = settings.remembered_absolute_lifetime if remembered else settings.session_absolute_lifetime
    return now + timedelta(seconds=seconds)
