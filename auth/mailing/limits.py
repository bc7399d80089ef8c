"""Limits on the mails to one address, counted over all accounts.

An address is proven while the account that is written to has confirmed it. An unproven one may belong to
another person, who must not be flooded: it gets at most `MAX_MAILS` in an hour, of all kinds together. Mails
that operators cause, and security notices, are not counted.
"""

from datetime import timedelta
from enum import Enum, auto

from sqlalchemy.orm import Session

from auth import tokens
from auth.stores import rate_limits, users
from utils.services import Services

MAX_MAILS = 3  # to one address in an hour that begins with the first
HOUR = timedelta(hours=1)


class Limit(Enum):
    """What a mail counts for."""

    REQUESTED = auto()  # other persons can cause it: to a proven address it is limited, too, by kind
    COUNTED = auto()  # the same, in a call that checks the ceiling `unproven-mails` itself
    NOTIFICATION = auto()  # about one's own account: to a proven address it always goes
    # Says that an account has another address now. A caller who registers an unproven address again and again
    # can cause any number: to such an address it is limited by kind, apart from all other mails.
    ADDRESS_NOTICE = auto()
    SECURITY_NOTICE = auto()  # leads back into an account, or says that it is in danger: it always goes
    NONE = auto()  # caused by an operator: it always goes


BY_STRANGERS = (Limit.REQUESTED, Limit.COUNTED)
ALWAYS = (Limit.SECURITY_NOTICE, Limit.NONE)
# To an account with an unproven address, delivery counts these for the ceiling `unproven-mails`.
AT_DELIVERY = (Limit.REQUESTED, Limit.NOTIFICATION)


def allows(
    services: Services, tx: Session, address: str, template: str, *, is_proven: bool, limit: Limit
) -> bool:
    """Count a mail to this address, in the caller's transaction; return whether it may go.

    One statement, so that callers who share nothing but the address cannot exceed the limit.
    """
    if limit in ALWAYS or (is_proven and limit not in BY_STRANGERS):
        return True
    of_all_kinds = not is_proven and limit is not Limit.ADDRESS_NOTICE
    digest = tokens.login_digest(services, users.login_key(address))
    key = f"mail:{digest}" if of_all_kinds else f"mail-{template}:{digest}"
    return rate_limits.count(tx, key, services.clock.now(), HOUR) <= MAX_MAILS
