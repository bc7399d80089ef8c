"""A warning for operators about permissions that another service asks for and no role holds."""

import logging
from collections.abc import Iterable

from auth.stores import roles
from utils.permissions import is_permission
from utils.services import Services

log = logging.getLogger("auth")


def warn_of_unknown(services: Services, missing: Iterable[str]) -> None:
    """Log a warning if no role holds one of these permissions: it may be misspelt in a proxy's configuration.

    The permissions are not logged: they were sent in.
    """
    asked = set(filter(is_permission, missing))
    if asked - roles.known(services.tx(), asked):
        log.warning("unknown permission refused")
