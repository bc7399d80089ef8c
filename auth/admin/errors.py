"""The errors of operators' commands."""

from auth.errors import Conflict


class NoAddress(Conflict):
    """Command line only: the account only holds its name (`HIDE_ACCOUNT_EXISTENCE`)."""

    code, message = "no_address", "The account has no address. It only holds its name."
