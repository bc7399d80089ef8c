"""Refusals of the commands about roles, and of the value that names an account."""

from auth.errors import Conflict


class AmbiguousLogin(Conflict):
    code = "ambiguous_login"
    message = "This number is the user name of an account. Write id:NUMBER or name:NUMBER."


class TooManyHolders(Conflict):
    code = "too_many_holders"
    message = (
        "More than fifty accounts have this role, and each would get a permission of this service. Put the "
        "permission into another role, and give that one."
    )
