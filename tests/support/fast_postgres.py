"""A Postgres for tests does not wait for the disk."""

from sqlalchemy import create_engine


def forgo_durability(uri: str) -> None:
    """Let the server not wait for the disk: no test crashes this one."""
    engine = create_engine(uri, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()
