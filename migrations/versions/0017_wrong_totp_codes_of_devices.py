"""Wrong authenticator codes in a row from each known device."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("totp_failures", sa.Integer(), server_default="0", nullable=False)
    op.add_column("known_devices", column)


def downgrade() -> None:
    op.drop_column("known_devices", "totp_failures")
