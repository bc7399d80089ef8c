"""SQLite for tests does not wait for the disk."""

from typing import Any

from sqlalchemy import Engine, event

from utils.database import engine as engines

_init_sqlite = engines._init_sqlite


def _init(engine: Engine) -> None:
    _init_sqlite(engine)

    @event.listens_for(engine, "connect")
    def forgo_durability(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF").close()


def forgo_durability() -> None:
    """Let no app of this process wait for the disk: none of them has a machine that crashes."""
    engines._init_sqlite = _init
