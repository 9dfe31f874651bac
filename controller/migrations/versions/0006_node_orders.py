"""orders to one node, and its answers"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "node_order",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("airing", sa.JSON(), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_node_order_created_by")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_node_order_device_id")),
        sa.ForeignKeyConstraint(["node_id"], ["node.id"], name=op.f("fk_node_order_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_order")),
    )
    with op.batch_alter_table("node_order", schema=None) as batch_op:
        batch_op.create_index("ix_node_order_node_created", ["node_id", "created_at"])


def downgrade() -> None:
    with op.batch_alter_table("node_order", schema=None) as batch_op:
        batch_op.drop_index("ix_node_order_node_created")
    op.drop_table("node_order")
