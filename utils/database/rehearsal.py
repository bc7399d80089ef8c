"""A rehearsal: flows run and commit, and nothing of it stays.

Their transactions are savepoints of one transaction, which is rolled back at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from utils.database.reads import Found, Reads, Statement, Values


class RehearsalReads(Reads):
    """Reads that see what the rehearsal wrote."""

    def __init__(self, engine: Engine, session: Session) -> None:
        super().__init__(engine)
        self._session = session

    def first(self, statement: Statement, values: Values) -> Found:
        row = self._session.execute(statement, dict(values)).first()
        return tuple(row) if row is not None else None


@contextmanager
def rehearsal(tx: Session) -> Iterator[tuple[Session, Reads]]:
    """Yield a session and reads for a rehearsal on the database of `tx`, which is rolled back before.

    On SQLite other writers wait meanwhile.
    """
    tx.rollback()
    engine = tx.get_bind()
    if not isinstance(engine, Engine):
        raise TypeError
    with engine.connect() as connection:
        # The driver of SQLite would start the transaction after the first savepoint, whose release commits.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "SELECT 1")
        session = Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        try:
            yield session, RehearsalReads(engine, session)
        finally:
            session.close()
            connection.rollback()
