"""The acting account of an audit event, and the name of what it is about."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("actor_id", sa.Integer(), nullable=True))
    op.add_column("audit_events", sa.Column("detail", sa.String(length=120), nullable=True))


def downgrade() -> None:
    op.drop_column("audit_events", "detail")
    op.drop_column("audit_events", "actor_id")
