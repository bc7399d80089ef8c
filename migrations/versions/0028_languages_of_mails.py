"""The language of a mail. Rows of processes that do not know it have none: they go in `DEFAULT_LANGUAGE`."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("language", sa.String(length=35), nullable=True))


def downgrade() -> None:
    op.drop_column("outbox", "language")
