"""The rows of the built-in roles, as the migration makes them."""

from sqlalchemy import Connection, insert, select

from auth.permissions import BUILT_IN
from models import Role, RolePermission
from tests.support.service import START


def add_built_in_roles(connection: Connection) -> None:
    """Add the built-in roles to a database without roles."""
    connection.execute(insert(Role), [{"name": name, "created_at": START} for name in BUILT_IN])
    ids = {row.name: row.id for row in connection.execute(select(Role.name, Role.id))}
    held = [{"role_id": ids[name], "permission": str(each)} for name in BUILT_IN for each in BUILT_IN[name]]
    connection.execute(insert(RolePermission), held)
