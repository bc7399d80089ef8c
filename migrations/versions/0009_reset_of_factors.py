"""When the second factors of an account are to be forgotten, at an operator's word."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX = "ix_users_factors_reset_due_at"


def upgrade() -> None:
    op.add_column("users", sa.Column("factors_reset_due_at", sa.DateTime(timezone=True), nullable=True))
    due = sa.text("factors_reset_due_at IS NOT NULL")
    op.create_index(INDEX, "users", ["factors_reset_due_at"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="users")
    op.drop_column("users", "factors_reset_due_at")
