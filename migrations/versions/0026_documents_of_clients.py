"""The privacy policy and the terms of an application, which the page of consent links to."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COLUMNS = ("policy_uri", "terms_uri")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("oauth_clients", sa.Column(name, sa.String(length=2048), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("oauth_clients", name)
