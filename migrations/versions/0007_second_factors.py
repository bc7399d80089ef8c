"""Second factors: authenticator codes, recovery codes, and sign-ins that wait for one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("two_factor_at", MOMENT, nullable=True))
        batch_op.add_column(
            sa.Column("recovery_codes_left", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("factor_tries", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("factor_tries_end_at", MOMENT, nullable=True))
    with op.batch_alter_table("known_devices") as batch_op:
        batch_op.add_column(sa.Column("trusted_until", MOMENT, nullable=True))
    op.create_table(
        "totp_factors",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=12), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _of_user("totp_factors"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_factors")),
    )
    op.create_index("ix_totp_factors_key_id", "totp_factors", ["key_id"])
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _of_user("recovery_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_codes")),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    op.create_table(
        "challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _of_user("challenges"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
    )
    op.create_index("ix_challenges_user_id", "challenges", ["user_id"])
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"])


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id_users")
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    for table in ("challenges", "recovery_codes", "totp_factors"):
        op.drop_table(table)
    with op.batch_alter_table("known_devices") as batch_op:
        batch_op.drop_column("trusted_until")
    with op.batch_alter_table("users") as batch_op:
        for column in ("factor_tries_end_at", "factor_tries", "recovery_codes_left", "two_factor_at"):
            batch_op.drop_column(column)
