"""An index of the accounts about which it is not decided whether they stay."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEX = "ix_users_undecided"
UNDECIDED = sa.text("email_verified_at IS NULL AND kept_at IS NULL AND origin IS NOT NULL")


def upgrade() -> None:
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.create_index(INDEX, "users", ["created_at"], sqlite_where=UNDECIDED)
        return
    # Built beside the calls of running apps, which a plain index of a large table would hold up.
    with context.autocommit_block():
        # An attempt that was interrupted leaves an invalid index.
        op.drop_index(INDEX, table_name="users", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX, "users", ["created_at"], postgresql_where=UNDECIDED, postgresql_concurrently=True
        )


def downgrade() -> None:
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.drop_index(INDEX, table_name="users")
        return
    with context.autocommit_block():
        op.drop_index(INDEX, table_name="users", postgresql_concurrently=True)
