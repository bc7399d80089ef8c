"""The keys of projects, which the password hashes of imported accounts depend on."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "foreign_hash_keys",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_foreign_hash_keys")),
    )


def downgrade() -> None:
    op.drop_table("foreign_hash_keys")
