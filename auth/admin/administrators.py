"""The checks of `doctor` on roles: whether there are administrators, and whether they can act."""

from collections.abc import Iterator

from auth.admin.finding import Finding
from auth.permissions import ADMIN
from auth.stores import roles
from utils.permissions import is_of_service
from utils.services import Services

CHECK = "roles"


def examine(services: Services) -> Iterator[Finding]:
    """Yield the findings on administrators and on the roles of new accounts."""
    tx, settings = services.tx(), services.settings
    count, without_factor = roles.count_administrators(tx)
    if not count:
        text, advice = "No account has the role admin.", "Run: flask --app app auth grant LOGIN admin"
        yield Finding(CHECK, "warning", text, advice)
    elif without_factor and settings.admin_require_second_factor:
        noun = "administrator has" if without_factor == 1 else "administrators have"
        text = f"{without_factor} {noun} no second factor: their permissions do not count."
        yield Finding(CHECK, "warning", text, "They set one up under Account, Security.")
    else:
        yield Finding(CHECK, "ok", f"{count} account{'' if count == 1 else 's'} with the role {ADMIN}.")
    for name in settings.new_account_roles:
        role = roles.by_name(tx, name)
        if role is None:
            text, advice = f"NEW_ACCOUNT_ROLES names {name}, which is no role.", "Define it, or remove it."
            yield Finding(CHECK, "problem", text, advice)
        elif any(map(is_of_service, role.permissions)):
            text = f"NEW_ACCOUNT_ROLES names {name}, which has a permission of the service: it is not given."
            yield Finding(CHECK, "problem", text, "Remove it from NEW_ACCOUNT_ROLES.")
