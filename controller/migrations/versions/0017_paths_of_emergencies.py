"""when an emergency went out, and from when on a node no longer had a sound"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("node_receipt", sa.Column("gone_at", _AT, nullable=True))
    op.add_column("emergency", sa.Column("published_at", _AT, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("emergency", schema=None) as batch_op:
        batch_op.drop_column("published_at")
    with op.batch_alter_table("node_receipt", schema=None) as batch_op:
        batch_op.drop_column("gone_at")
