"""An index of the audit events of an acting account."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INDEX = "ix_audit_events_actor_id_id"


def upgrade() -> None:
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.create_index(INDEX, "audit_events", ["actor_id", "id"])
        return
    # Built beside the calls of running apps, which a plain index of a large table would hold up.
    with context.autocommit_block():
        # An attempt that was interrupted leaves an invalid index.
        op.drop_index(INDEX, table_name="audit_events", if_exists=True, postgresql_concurrently=True)
        op.create_index(INDEX, "audit_events", ["actor_id", "id"], postgresql_concurrently=True)


def downgrade() -> None:
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.drop_index(INDEX, table_name="audit_events")
        return
    with context.autocommit_block():
        op.drop_index(INDEX, table_name="audit_events", postgresql_concurrently=True)
