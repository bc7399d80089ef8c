"""Who created an account, and whether it stays although its address is unconfirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEX = "ix_users_undecided"


def upgrade() -> None:
    # Accounts from before have no origin: they do not expire.
    op.add_column("users", sa.Column("origin", sa.String(length=20), nullable=True))
    op.add_column("users", sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))
    undecided = sa.text("email_verified_at IS NULL AND kept_at IS NULL AND origin IS NOT NULL")
    op.create_index(INDEX, "users", ["created_at"], sqlite_where=undecided, postgresql_where=undecided)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="users")
    op.drop_column("users", "kept_at")
    op.drop_column("users", "origin")
