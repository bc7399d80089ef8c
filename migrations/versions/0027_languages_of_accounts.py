"""The language that an account has chosen, and the language of its sign-up."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = ("locale", "signup_locale")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("users", sa.Column(name, sa.String(length=35), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("users", name)
