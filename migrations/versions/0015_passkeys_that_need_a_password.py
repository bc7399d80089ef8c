"""Passkeys that do not log in without the password."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("needs_password", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("passkeys", column)


def downgrade() -> None:
    op.drop_column("passkeys", "needs_password")
