"""Whether the address of a mailed link was confirmed when the link was issued."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("address_proven", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("one_time_tokens", column)


def downgrade() -> None:
    op.drop_column("one_time_tokens", "address_proven")
