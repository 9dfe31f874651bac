"""when schedules went out, and when nodes held them and their sounds"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "page_publication",
        sa.Column("area_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.id"], name=op.f("fk_page_publication_area_id_area")
        ),
        sa.PrimaryKeyConstraint("area_id", "day", "revision", name=op.f("pk_page_publication")),
    )
    op.create_index("ix_page_publication_at", "page_publication", ["at"])
    op.create_table(
        "node_receipt",
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("node_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("server_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id"], ["node.id"], name=op.f("fk_node_receipt_node_id_node")
        ),
        sa.PrimaryKeyConstraint("node_id", "subject", "revision", name=op.f("pk_node_receipt")),
    )
    op.create_index("ix_node_receipt_at", "node_receipt", ["server_at"])


def downgrade() -> None:
    op.drop_table("node_receipt")
    op.drop_table("page_publication")
