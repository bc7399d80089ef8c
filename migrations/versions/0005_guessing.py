"""Wrong passwords in a row: of strangers to an account, and of each device that it knows."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("users", "known_devices"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("failures", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for table in ("known_devices", "users"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("failures")
