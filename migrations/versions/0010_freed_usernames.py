"""User names that were given up, as keyed digests."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "freed_usernames",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_freed_usernames_user_id_users", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_freed_usernames"),
    )
    op.create_index("ix_freed_usernames_user_id", "freed_usernames", ["user_id"])
    op.create_index("ix_freed_usernames_ends_at", "freed_usernames", ["ends_at"])


def downgrade() -> None:
    op.drop_table("freed_usernames")
