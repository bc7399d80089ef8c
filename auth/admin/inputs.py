"""What an operator types besides a login."""

from auth.fields import Label
from utils.web.validation import Body


class Reason(Body):
    """The reason of `confirm-email`: one line of at most 80 characters, for the audit log and the owner."""

    reason: Label
