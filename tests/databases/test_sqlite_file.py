"""The SQLite file, opened by several connections and processes."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from utils.database.engine import engine_options, init_engine
from utils.database.migrations import upgrade

# What `sqlite3`, a command of the operators or a backup does: open, read, close.
VISIT = (
    "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM t').fetchone()[0])"
)


def engine_on(path: Path) -> Engine:
    uri = f"sqlite:///{path}"
    engine = create_engine(uri, **engine_options(uri))
    init_engine(engine)
    return engine


def rows_seen_by_another_process(path: Path) -> int:
    """Return the number of rows that another process sees."""
    ran = subprocess.run(
        [sys.executable, "-c", VISIT, str(path)], capture_output=True, text=True, check=True, timeout=30
    )
    return int(ran.stdout)


def test_another_process_opening_the_file_loses_no_data(tmp_path: Path) -> None:
    """Closing any descriptor of the file drops all of this process's locks on it (POSIX).

    The other process would then consider itself the last user, and delete the log still being written.
    """
    path = tmp_path / "auth.db"
    engine = engine_on(path)
    with engine.connect() as first:
        first.execute(text("CREATE TABLE t (a INTEGER)"))
        first.commit()
        with engine.connect():  # a second connection of the pool
            assert rows_seen_by_another_process(path) == 0
            first.execute(text("INSERT INTO t VALUES (1)"))
            first.commit()
            assert rows_seen_by_another_process(path) == 1
    engine.dispose()


def test_new_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "auth.db"
    engine = engine_on(path)
    upgrade(engine)
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (a INTEGER)"))
        connection.commit()
        names = {each.name for each in tmp_path.iterdir()}
        assert names == {"auth.db", "auth.db-wal", "auth.db-shm", "auth.db.migrating"}
        assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    engine.dispose()
