"""Whether a mail is still to be counted for the ceiling on mails to unproven addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("to_count", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("outbox", column)


def downgrade() -> None:
    op.drop_column("outbox", "to_count")
