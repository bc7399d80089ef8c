"""Random ids that the database makes, for an INSERT from a SELECT."""

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class random_id(FunctionElement[UUID]):  # noqa: N801  (an SQL function)
    """128 random bits as a UUID, another one for each row."""

    type = Uuid()
    inherit_cache = True
    name = "random_id"


@compiles(random_id, "postgresql")
def _on_postgres(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "gen_random_uuid()"


@compiles(random_id, "sqlite")
def _on_sqlite(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "lower(hex(randomblob(16)))"  # as `Uuid` stores one
