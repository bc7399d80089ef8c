"""The runbook of the move from SQLite to PostgreSQL is executed as written."""

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.conftest import NO_POSTGRES
from tests.support.runbooks import Deployment, Owner, close, runbook
from tests.support.service import refresh


@pytest.mark.slow
@pytest.mark.skipif(NO_POSTGRES, reason="no Postgres")
def test_sessions_and_authenticator_apps_survive_the_move(
    sqlite_template: Path, postgres_server: str, tmp_path: Path
) -> None:
    (tmp_path / "auth.db").write_bytes(sqlite_template.read_bytes())
    deployment = Deployment(tmp_path, tmp_path / "auth.db")
    before = deployment.started()
    owner = Owner(before, deployment.clock)
    token = owner.log_in(before)["refresh_token"]
    close(before)
    name = f"move_{uuid4().hex}"
    url = make_url(postgres_server).set(drivername="postgresql", database=name)
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        for role in ("owner", "app"):
            path = deployment.secrets / f"{role}_database_uri"
            path.unlink()
            path.write_text(f"{url.render_as_string(hide_password=False)}\n")
        printed = [deployment.run(block) for block in runbook("move")]
        assert "Both databases have these rows and checksums." in printed[1]
        assert "the schema is up to date" in printed[2]
        deployment.database = {"DATABASE_URI": url.render_as_string(hide_password=False)}
        after = deployment.started()
        assert refresh(after, token).status_code == 200
        owner.log_in(after)
        close(after)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()
