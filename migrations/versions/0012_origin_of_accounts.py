"""Who created an account, and whether it stays although its address is unconfirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Accounts from before have no origin: they expire only where addresses must be confirmed.
    op.add_column("users", sa.Column("origin", sa.String(length=20), nullable=True))
    op.add_column("users", sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "kept_at")
    op.drop_column("users", "origin")
