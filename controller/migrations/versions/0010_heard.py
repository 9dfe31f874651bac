"""how loud and how late a microphone heard an airing"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("playback", schema=None) as batch_op:
        batch_op.add_column(sa.Column("heard_level_db", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("heard_delay_ms", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("playback", schema=None) as batch_op:
        batch_op.drop_column("heard_delay_ms")
        batch_op.drop_column("heard_level_db")
