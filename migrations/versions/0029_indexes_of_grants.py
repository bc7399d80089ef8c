"""Indexes of grants that lead to those of one account, also in a table without statistics.

A redemption counts the living grants of an account and client. In a young table Postgres chose the index by
client, or the one by the time of the end, and read every living grant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE = "oauth_grants"
ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    _replace("ix_oauth_grants_client_id", "ix_oauth_grants_client_id_user_id", ["client_id", "user_id"])
    _replace("ix_oauth_grants_ended_at", "ix_oauth_grants_ended", ["ended_at"], ENDED)


def downgrade() -> None:
    _replace("ix_oauth_grants_ended", "ix_oauth_grants_ended_at", ["ended_at"])
    _replace("ix_oauth_grants_client_id_user_id", "ix_oauth_grants_client_id", ["client_id"])


def _replace(former: str, name: str, columns: list[str], where: sa.TextClause | None = None) -> None:
    """Create the new index before the former one is dropped."""
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.create_index(name, TABLE, columns, sqlite_where=where)
        op.drop_index(former, table_name=TABLE)
        return
    # Built beside the calls of running apps, which a plain index of a large table would hold up.
    with context.autocommit_block():
        # An attempt that was interrupted leaves an invalid index.
        op.drop_index(name, table_name=TABLE, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, TABLE, columns, postgresql_where=where, postgresql_concurrently=True)
        op.drop_index(former, table_name=TABLE, if_exists=True, postgresql_concurrently=True)
