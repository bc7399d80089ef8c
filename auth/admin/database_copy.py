"""Moves all data from SQLite to PostgreSQL, while the service is stopped."""

from sqlalchemy.orm import Session

from auth.events import Event
from auth.roles.actors import Operator
from auth.stores import audit, roles
from models import db
from utils.database import copying
from utils.database.copying import CopiedTable
from utils.services import Services


def copy_database(services: Services, target_uri: str, operator: Operator) -> list[CopiedTable]:
    """Copy every table of the service's SQLite file to an empty, migrated PostgreSQL database.

    The source keeps its rows, and gets an audit event, which is copied. Raises `CopyRefused`; then the source
    is unchanged, and so is the target, but for its sequences.
    """
    url, metadata = services.tx().get_bind().engine.url, db.metadata
    with copying.source_connection(url) as source, copying.target_connection(target_uri) as target:
        copying.check_schemas(source, target, metadata)
        copying.lock(target, metadata)
        roles.remove_built_in(target)  # the migrations made them in both; those of the source are copied
        copying.check_empty(target, metadata)
        with Session(source) as tx:
            now = services.clock.now()
            audit.append(tx, Event.DATABASE_COPIED, now, operator.client, operator=operator.name)
            copied = copying.copy_tables(source, target, metadata)
            target.commit()
            source.commit()
    return copied
