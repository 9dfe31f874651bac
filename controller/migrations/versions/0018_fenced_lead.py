"""which service may number what is said"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    leader = sa.Column("leader", sa.String(16), nullable=False, server_default="")
    op.add_column("said_sequence", leader)


def downgrade() -> None:
    with op.batch_alter_table("said_sequence", schema=None) as batch_op:
        batch_op.drop_column("leader")
