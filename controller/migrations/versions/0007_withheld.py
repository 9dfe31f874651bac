"""airings that stricter rules forbid keep their row and say why"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("airing", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withheld", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("airing", schema=None) as batch_op:
        batch_op.drop_column("withheld")
