"""airings withheld in some of their villages only"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "airing_withheld",
        sa.Column("airing_id", sa.String(length=64), nullable=False),
        sa.Column("area_id", sa.String(length=64), nullable=False),
        sa.Column("why", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["airing_id"], ["airing.id"], name=op.f("fk_airing_withheld_airing_id")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_airing_withheld_area_id")),
        sa.PrimaryKeyConstraint("airing_id", "area_id", name=op.f("pk_airing_withheld")),
    )
    op.create_index("ix_airing_withheld_area", "airing_withheld", ["area_id"])


def downgrade() -> None:
    op.drop_table("airing_withheld")
